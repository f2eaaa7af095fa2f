//! Chores of the repository: `cargo xtask walls` checks the layering of the crates.

#![expect(clippy::print_stdout, reason = "a chore talks to the person who runs it")]

mod walls;

use anyhow::{Result, bail};

fn main() -> Result<()> {
    let chore = std::env::args().nth(1);
    match chore.as_deref() {
        Some("walls") => {
            let checked = walls::check()?;
            println!("walls: {checked} crates keep to their layers");
            Ok(())
        }
        Some(other) => bail!("unknown chore `{other}`; there is: walls"),
        None => bail!("name a chore: walls"),
    }
}
