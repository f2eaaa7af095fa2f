"""Writes a tiny language model with random weights, in llama.cpp's format.

    python tiny_model.py VOCABULARY.gguf MODEL.gguf

Two layers, 64 wide, with the beginning of another file's byte-pair vocabulary, which is GPT-2's: about
2 MB. It talks gibberish, is the same every time it is written and needs no download. Needs the packages
gguf and numpy.
"""

import sys

import gguf
import numpy

LAYERS, WIDTH, HEADS, INNER, CONTEXT = 2, 64, 4, 128, 4096
# The vocabulary begins with one token for each byte and goes on with one for each merge, in order. The
# first merges alone are a vocabulary too, and a grammar is followed far faster with fewer tokens.
BYTES, MERGES = 256, 3840
TEMPLATE = ("{% for message in messages %}{{ message.role }}: {{ message.content }}\n"
            "{% endfor %}assistant: ")


def main(vocabulary, model):
    source = gguf.GGUFReader(vocabulary)
    read = lambda name: source.get_field(f"tokenizer.ggml.{name}").contents()  # noqa: E731
    end = read("eos_token_id")
    size = BYTES + MERGES
    tokens = [*read("tokens")[:size], read("tokens")[end]]
    writer = gguf.GGUFWriter(model, "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model(read("model"))
    writer.add_tokenizer_pre(read("pre"))
    writer.add_token_list(tokens)
    writer.add_token_types([*read("token_type")[:size], read("token_type")[end]])
    writer.add_token_merges(read("merges")[:MERGES])
    writer.add_bos_token_id(size)
    writer.add_eos_token_id(size)
    writer.add_chat_template(TEMPLATE)
    random = numpy.random.default_rng(2026)

    def matrix(name, rows, columns):
        values = random.standard_normal((rows, columns)) / numpy.sqrt(columns)
        writer.add_tensor(name, values.astype(numpy.float32))

    def ones(name):
        writer.add_tensor(name, numpy.ones(WIDTH, dtype=numpy.float32))

    # Without a matrix of its own for the output, llama.cpp uses the embedding there too.
    matrix("token_embd.weight", len(tokens), WIDTH)
    ones("output_norm.weight")
    for layer in range(LAYERS):
        ones(f"blk.{layer}.attn_norm.weight")
        ones(f"blk.{layer}.ffn_norm.weight")
        for part in ("attn_q", "attn_k", "attn_v", "attn_output"):
            matrix(f"blk.{layer}.{part}.weight", WIDTH, WIDTH)
        matrix(f"blk.{layer}.ffn_gate.weight", INNER, WIDTH)
        matrix(f"blk.{layer}.ffn_up.weight", INNER, WIDTH)
        matrix(f"blk.{layer}.ffn_down.weight", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
