//! The labelled tasks that the choice of personas is measured by.

/// One task with the personas it calls for.
#[derive(Debug)]
pub(crate) struct Labelled {
    pub(crate) id: String,
    pub(crate) language: String,
    pub(crate) task: String,
    /// Every persona the task calls for; empty where it is nobody's.
    pub(crate) expected: Vec<String>,
    pub(crate) note: String,
    /// Whether the task is kept for measuring and not for tuning.
    pub(crate) held_out: bool,
}

/// Reads lines of id, language, task, expected names joined by `+` or `none`, and note. In a task `\n`
/// stands for the end of a line. A task is held out where the FNV-1a hash (64 bits) of its bytes, as
/// they stand in the file, is divisible by three.
pub(crate) fn parse(text: &str) -> Vec<Labelled> {
    text.lines().skip(1).map(line).collect()
}

fn line(line: &str) -> Labelled {
    let columns: Vec<&str> = line.split('\t').collect();
    let [id, language, task, expected, note] = columns[..] else {
        panic!("five columns are needed: {line}")
    };
    let expected = expected.split('+').filter(|name| *name != "none");
    Labelled {
        id: id.to_owned(),
        language: language.to_owned(),
        task: task.replace("\\n", "\n"),
        expected: expected.map(str::to_owned).collect(),
        note: note.to_owned(),
        held_out: fnv1a(task.as_bytes()).is_multiple_of(3),
    }
}

/// The hash of Fowler, Noll and Vo in the variant 1a, of 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
