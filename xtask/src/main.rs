//! Chores of the repository: `cargo xtask walls` checks the layering of the crates, `cargo xtask corpus`
//! generates persona files with every kind of mess, and with `--check` reads them.

#![expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]

mod corpus;
mod walls;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("corpus") => corpus::run(arguments),
        Some("walls") => {
            let checked = walls::check()?;
            println!("walls: {checked} crates keep to their layers");
            Ok(())
        }
        Some(other) => bail!("unknown chore `{other}`; there are: corpus, walls"),
        None => bail!("name a chore: corpus, walls"),
    }
}
