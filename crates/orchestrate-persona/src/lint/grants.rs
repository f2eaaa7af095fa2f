//! Rules about what a file asks for: tools, models, permissions.

use std::ops::Range;

use orchestrate_core::{diagnostic::Diagnostic, suggest};

use super::{
    check::{LintContext, MAX_PER_RULE},
    document::Document,
    rules,
};
use crate::yaml::{Node, Value};

/// Keys that run, connect or permit something in the programs they were made for, folded as
/// [`folded`] does.
const PRIVILEGED: &[&str] = &[
    "allowcommands",
    "allowedcommands",
    "allowedtools",
    "alwaysallow",
    "apikey",
    "approvalpolicy",
    "autoapprove",
    "baseurl",
    "bypasspermissions",
    "command",
    "commands",
    "dangerouslyskippermissions",
    "env",
    "environment",
    "extensions",
    "hooks",
    "mcp",
    "mcpserver",
    "mcpservers",
    "permission",
    "permissionmode",
    "permissions",
    "sandbox",
    "sandboxmode",
    "shell",
    "toolsets",
    "trust",
    "yolo",
];

/// Tools of common coding agents, compared without regard to case and marks.
const TOOLS: &[&str] = &[
    // Claude Code
    "Agent",
    "AskUserQuestion",
    "Bash",
    "BashOutput",
    "Edit",
    "EnterPlanMode",
    "EnterWorktree",
    "ExitPlanMode",
    "ExitWorktree",
    "Glob",
    "Grep",
    "KillBash",
    "KillShell",
    "ListMcpResources",
    "ListMcpResourcesTool",
    "LS",
    "LSP",
    "Monitor",
    "MultiEdit",
    "NotebookEdit",
    "NotebookRead",
    "Read",
    "ReadMcpResource",
    "ReadMcpResourceTool",
    "SendMessage",
    "Skill",
    "SlashCommand",
    "Task",
    "TaskCreate",
    "TaskGet",
    "TaskList",
    "TaskOutput",
    "TaskStop",
    "TaskUpdate",
    "TodoRead",
    "TodoWrite",
    "ToolSearch",
    "WebFetch",
    "WebSearch",
    "Write",
    // Gemini CLI
    "glob",
    "google_web_search",
    "list_directory",
    "read_file",
    "read_many_files",
    "replace",
    "run_shell_command",
    "save_memory",
    "search_file_content",
    "web_fetch",
    "write_file",
    "write_todos",
    // Copilot, opencode and other relatives
    "agent",
    "apply_patch",
    "changes",
    "codebase",
    "createDirectory",
    "createFile",
    "edit",
    "editFiles",
    "execute",
    "extensions",
    "fetch",
    "fileSearch",
    "findTestFiles",
    "githubRepo",
    "list",
    "listDirectory",
    "new",
    "openSimpleBrowser",
    "patch",
    "problems",
    "question",
    "readFile",
    "runCommands",
    "runInTerminal",
    "runNotebooks",
    "runSubagent",
    "runTasks",
    "runTests",
    "search",
    "searchResults",
    "terminalLastCommand",
    "terminalSelection",
    "testFailure",
    "textSearch",
    "todo",
    "todos",
    "usages",
    "view",
    "vscodeAPI",
    "web",
];

pub(super) fn check(document: &Document<'_>, context: &LintContext, found: &mut Vec<Diagnostic>) {
    let Some(front) = document.front_matter() else { return };
    for (key, _) in &front.entries {
        let Value::Text(name) = &key.value else { continue };
        if PRIVILEGED.contains(&folded(name).as_str()) {
            found.push(
                rules::PRIVILEGED_KEY
                    .found(format!("`{name}` asks for more than a persona has"))
                    .at(&document.source, key.span.clone(), "without effect here")
                    .help(rules::PRIVILEGED_KEY.mend),
            );
        }
    }
    if let Some((model, place)) =
        document.declared("model").filter(|(model, _)| *model != "inherit")
    {
        found.push(
            rules::FOREIGN_MODEL
                .found(format!("a persona does not choose its model, this one asks for `{model}`"))
                .at(&document.source, place, "not used")
                .help(rules::FOREIGN_MODEL.mend),
        );
    }
    let unknown = tools(document).into_iter().filter(|(tool, _)| !is_known(tool, context));
    for (at, (tool, place)) in unknown.enumerate() {
        let known = TOOLS.iter().copied().chain(context.tools.iter().map(String::as_str));
        // A name is compared with all others only where the finding will be listed.
        let near = (at < MAX_PER_RULE).then(|| suggest::closest(&tool, known)).flatten();
        found.push(unknown_tool(document, &tool, place, near));
    }
}

/// Lower-case letters and digits only, so that `mcpServers`, `mcp-servers` and `mcp_servers` are one.
fn folded(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

/// The tools wished for: a list, a mapping of names, or a text with commas.
fn tools(document: &Document<'_>) -> Vec<(String, Range<usize>)> {
    let Some((_, node)) = document.entry("tools") else { return Vec::new() };
    let named = |node: &Node| match &node.value {
        Value::Text(text) => Some((text.trim().to_owned(), node.span.clone())),
        _ => None,
    };
    match &node.value {
        Value::Text(text) => comma_separated(text, &document.source.text, &node.span),
        Value::List(list) => list.iter().filter_map(named).collect(),
        Value::Map(map) => map.iter().filter_map(|(key, _)| named(key)).collect(),
        Value::Null => Vec::new(),
    }
}

/// Splits at commas outside parentheses: `Bash(git:*, npm:*)` is one tool.
fn comma_separated(text: &str, file: &str, place: &Range<usize>) -> Vec<(String, Range<usize>)> {
    let mut depth = 0_usize;
    let parts = text.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    // Each is looked for behind the one before it; a folded or escaped one stands for the whole value.
    let mut from = place.start;
    let mut tools = Vec::new();
    for part in parts.map(str::trim).filter(|part| !part.is_empty()) {
        let at = file[from..place.end].find(part).map(|at| from + at);
        let span = at.map_or(place.clone(), |at| at..at + part.len());
        from = at.map_or(from, |at| at + part.len());
        tools.push((part.to_owned(), span));
    }
    tools
}

/// Whether a tool is known, with or without a pattern behind it. Those of servers are named by them.
fn is_known(tool: &str, context: &LintContext) -> bool {
    let name = tool.split('(').next().unwrap_or(tool).trim();
    let plain = folded(name);
    ["*", "all", "none"].contains(&name)
        || name.starts_with("mcp__")
        || name.contains('/')
        || TOOLS.iter().any(|known| folded(known) == plain)
        || context.tools.iter().any(|known| folded(known) == plain)
}

fn unknown_tool(
    document: &Document<'_>,
    tool: &str,
    place: Range<usize>,
    near: Option<&str>,
) -> Diagnostic {
    let diagnostic = rules::UNKNOWN_TOOL.found(format!("`{tool}` is no tool that is known")).at(
        &document.source,
        place,
        "",
    );
    match near {
        Some(near) => diagnostic.help(format!("did you mean `{near}`?")),
        None => diagnostic.help(rules::UNKNOWN_TOOL.mend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_with_commas_is_one_tool() {
        let text = "Read, Bash(git:*, npm:*),Grep";
        let tools = comma_separated(text, text, &(0..text.len()));
        let names: Vec<_> = tools.iter().map(|(name, span)| (name.as_str(), span.start)).collect();
        assert_eq!(names, [("Read", 0), ("Bash(git:*, npm:*)", 6), ("Grep", 25)]);
        assert!(tools.iter().all(|(tool, _)| is_known(tool, &LintContext::default())));
    }
}
