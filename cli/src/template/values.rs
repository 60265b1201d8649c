//! Values from files and flags, in Helm's order.

use std::io::Read;

use weir_chart::{
    Compat,
    strvals::{self, SetError},
    values::{self, Table},
};
use weir_remote::charts::{Access, ChartClient, public};

use crate::{
    chart::download::LIMITS,
    error::{Cause, Error},
};

// Where values come from. Later ones win, whatever is given as a flag wins over files.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ValueArgs {
    /// Values from a YAML file, an address (https://…), or stdin with `-`
    #[arg(long = "values", short = 'f', value_name = "FILE", value_delimiter = ',')]
    files: Vec<String>,
    /// Values: key1=val1,key2=val2
    #[arg(long, value_name = "VALUES", allow_hyphen_values = true)]
    set: Vec<String>,
    /// Values that are text: key1=val1,key2=val2
    #[arg(long, value_name = "VALUES", allow_hyphen_values = true)]
    set_string: Vec<String>,
    /// Values in JSON: key1=json1,key2=json2, or one object
    #[arg(long, value_name = "VALUES", allow_hyphen_values = true)]
    set_json: Vec<String>,
    /// Values from the contents of files: key1=path1,key2=path2
    #[arg(long, value_name = "VALUES", allow_hyphen_values = true)]
    set_file: Vec<String>,
    /// One value that is text and may hold anything: key=value
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    set_literal: Vec<String>,
}

/// No file of values is larger.
const LIMIT: u64 = 64 << 20;

impl ValueArgs {
    /// Everything merged.
    pub fn merged(&self, compat: Compat) -> Result<Table, Error> {
        let mut out = Table::new();
        for path in &self.files {
            let failed = |text: String| Error::Chart {
                action: format!("read values from {}", public(path)),
                source: Cause::new(text),
                hint: None,
            };
            let text = read(path).map_err(failed)?;
            let table = match compat {
                Compat::Helm4 => values::read(&text),
                Compat::Helm3 => values::read_first(&text),
            };
            values::merge_maps(&mut out, table.map_err(|error| failed(error.to_string()))?);
        }
        each("--set-json", &self.set_json, |text| strvals::set_json(text, &mut out))?;
        each("--set", &self.set, |text| strvals::set(text, &mut out))?;
        each("--set-string", &self.set_string, |text| strvals::set_string(text, &mut out))?;
        let file = |path: &str| read(path).map_err(SetError);
        each("--set-file", &self.set_file, |text| strvals::set_file(text, &mut out, &file))?;
        each("--set-literal", &self.set_literal, |text| strvals::set_literal(text, &mut out))?;
        Ok(out)
    }
}

fn each(flag: &str, texts: &[String], mut set: impl FnMut(&str) -> Result<(), SetError>) -> Result<(), Error> {
    for text in texts {
        // The text may hold a secret; what is wrong with it names keys only.
        set(text).map_err(|error| {
            Error::usage(
                format!("failed parsing {flag} data: {error}"),
                "escape , . = [ ] { } with a backslash where they are meant",
            )
        })?;
    }
    Ok(())
}

/// Nobody is told who asks, in helm neither.
fn download(url: &str) -> Result<String, String> {
    let client = ChartClient::new(Access::default(), LIMITS);
    let bytes = client.wait(client.file(url)).map_err(|error| error.to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn read(path: &str) -> Result<String, String> {
    let mut bytes = Vec::new();
    let taken = if path.trim() == "-" {
        std::io::stdin().take(LIMIT + 1).read_to_end(&mut bytes)
    } else if path.starts_with("http://") || path.starts_with("https://") {
        return download(path);
    } else {
        std::fs::File::open(path).and_then(|file| file.take(LIMIT + 1).read_to_end(&mut bytes))
    };
    match taken {
        Err(error) => Err(format!("{path}: {error}")),
        Ok(_) if bytes.len() as u64 > LIMIT => Err(format!("{path} is larger than {LIMIT} bytes")),
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
    }
}
