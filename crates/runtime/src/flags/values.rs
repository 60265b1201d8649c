//! Values as Go reads them.

/// A boolean as Go's `strconv.ParseBool` reads it.
///
/// # Errors
/// When `text` is none of 1, t, T, TRUE, true, True, 0, f, F, FALSE, false, False.
pub fn go_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(false),
        _ => Err("expected true or false".to_owned()),
    }
}

/// A percentage, 0 to 100.
///
/// # Errors
/// When `text` is not a number of that range.
pub fn percent(text: &str) -> Result<u8, String> {
    match text.parse::<u8>() {
        Ok(value) if value <= 100 => Ok(value),
        _ => Err("expected a number from 0 to 100".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_and_percentages() {
        assert_eq!((go_bool("T"), go_bool("0")), (Ok(true), Ok(false)));
        assert!(go_bool("yes").is_err() && go_bool("").is_err());
        assert_eq!(percent("100"), Ok(100));
        assert!(percent("-1").is_err());
    }
}
