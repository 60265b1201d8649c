//! The named character classes of Go's regular expressions, as items of a bracketed class.

/// ASCII classes by what is written between `[:` and `:]`, and the escapes `\d`, `\s` and `\w`.
const ASCII: &[(&str, &str)] = &[
    ("alnum", "0-9A-Za-z"),
    ("alpha", "A-Za-z"),
    ("ascii", r"\x00-\x7F"),
    ("blank", r"\t\x20"),
    ("cntrl", r"\x00-\x1F\x7F"),
    ("digit", "0-9"),
    ("graph", r"\x21-\x7E"),
    ("lower", "a-z"),
    ("print", r"\x20-\x7E"),
    ("punct", r"\x21-\x2F\x3A-\x40\x5B-\x60\x7B-\x7E"),
    ("space", r"\t\n\x0B\x0C\r\x20"),
    ("upper", "A-Z"),
    ("word", "0-9A-Za-z_"),
    ("xdigit", "0-9A-Fa-f"),
];

/// The class of `[:name:]` or `[:^name:]`; the colons are not part of `name`.
pub fn posix(name: &[u8]) -> Option<String> {
    let (negated, name) = name.strip_prefix(b"^").map_or((false, name), |rest| (true, rest));
    let (_, items) = ASCII.iter().find(|(known, _)| known.as_bytes() == name)?;
    Some(bracket(negated, items))
}

/// The class of `\d`, `\s`, `\w` and of their upper case opposites.
pub fn perl(letter: u8) -> Option<String> {
    let items = match letter.to_ascii_lowercase() {
        b'd' => "0-9",
        b's' => r"\t\n\x0C\r\x20",
        b'w' => "0-9A-Za-z_",
        _ => return None,
    };
    Some(bracket(letter.is_ascii_uppercase(), items))
}

fn bracket(negated: bool, items: &str) -> String {
    format!("[{}{items}]", if negated { "^" } else { "" })
}

/// General categories, short and long names as Go folds them: a capital, then small letters, nothing in between.
const CATEGORIES: &[&str] = &[
    "C", "Cc", "Cf", "Cn", "Co", "Cs", "L", "Lc", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl",
    "No", "P", "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

const LONG_CATEGORIES: &[(&str, &str)] = &[
    ("Casedletter", "LC"),
    ("Closepunctuation", "Pe"),
    ("Combiningmark", "M"),
    ("Connectorpunctuation", "Pc"),
    ("Control", "Cc"),
    ("Currencysymbol", "Sc"),
    ("Dashpunctuation", "Pd"),
    ("Decimalnumber", "Nd"),
    ("Enclosingmark", "Me"),
    ("Finalpunctuation", "Pf"),
    ("Format", "Cf"),
    ("Initialpunctuation", "Pi"),
    ("Letter", "L"),
    ("Letternumber", "Nl"),
    ("Lineseparator", "Zl"),
    ("Lowercaseletter", "Ll"),
    ("Mark", "M"),
    ("Mathsymbol", "Sm"),
    ("Modifierletter", "Lm"),
    ("Modifiersymbol", "Sk"),
    ("Nonspacingmark", "Mn"),
    ("Number", "N"),
    ("Openpunctuation", "Ps"),
    ("Other", "C"),
    ("Otherletter", "Lo"),
    ("Othernumber", "No"),
    ("Otherpunctuation", "Po"),
    ("Othersymbol", "So"),
    ("Paragraphseparator", "Zp"),
    ("Privateuse", "Co"),
    ("Punctuation", "P"),
    ("Separator", "Z"),
    ("Spaceseparator", "Zs"),
    ("Spacingmark", "Mc"),
    ("Surrogate", "Cs"),
    ("Symbol", "S"),
    ("Titlecaseletter", "Lt"),
    ("Unassigned", "Cn"),
    ("Uppercaseletter", "Lu"),
    ("Cntrl", "Cc"),
    ("Digit", "Nd"),
    ("Punct", "P"),
];

/// The scripts whose name is one word. Go drops underscores from the name asked for but not from the names it knows, so
/// `\p{Old_Italic}` and `\p{SignWriting}` are unknown to it.
const SCRIPTS: &[&str] = &[
    "Adlam",
    "Ahom",
    "Arabic",
    "Armenian",
    "Avestan",
    "Balinese",
    "Bamum",
    "Batak",
    "Bengali",
    "Bhaiksuki",
    "Bopomofo",
    "Brahmi",
    "Braille",
    "Buginese",
    "Buhid",
    "Carian",
    "Chakma",
    "Cham",
    "Cherokee",
    "Chorasmian",
    "Common",
    "Coptic",
    "Cuneiform",
    "Cypriot",
    "Cyrillic",
    "Deseret",
    "Devanagari",
    "Dogra",
    "Duployan",
    "Elbasan",
    "Elymaic",
    "Ethiopic",
    "Georgian",
    "Glagolitic",
    "Gothic",
    "Grantha",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hanunoo",
    "Hatran",
    "Hebrew",
    "Hiragana",
    "Inherited",
    "Javanese",
    "Kaithi",
    "Kannada",
    "Katakana",
    "Kawi",
    "Kharoshthi",
    "Khmer",
    "Khojki",
    "Khudawadi",
    "Lao",
    "Latin",
    "Lepcha",
    "Limbu",
    "Lisu",
    "Lycian",
    "Lydian",
    "Mahajani",
    "Makasar",
    "Malayalam",
    "Mandaic",
    "Manichaean",
    "Marchen",
    "Medefaidrin",
    "Miao",
    "Modi",
    "Mongolian",
    "Mro",
    "Multani",
    "Myanmar",
    "Nabataean",
    "Nandinagari",
    "Newa",
    "Nko",
    "Nushu",
    "Ogham",
    "Oriya",
    "Osage",
    "Osmanya",
    "Palmyrene",
    "Phoenician",
    "Rejang",
    "Runic",
    "Samaritan",
    "Saurashtra",
    "Sharada",
    "Shavian",
    "Siddham",
    "Sinhala",
    "Sogdian",
    "Soyombo",
    "Sundanese",
    "Syriac",
    "Tagalog",
    "Tagbanwa",
    "Takri",
    "Tamil",
    "Tangsa",
    "Tangut",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Tirhuta",
    "Toto",
    "Ugaritic",
    "Vai",
    "Vithkuqi",
    "Wancho",
    "Yezidi",
    "Yi",
];

/// The class of `\p{name}` (`negated`: of `\P{name}`), `None` when Go does not know the name.
pub fn unicode(name: &str, negated: bool) -> Option<String> {
    let name = canonical(name);
    let letter = if negated { 'P' } else { 'p' };
    let class = match name.as_str() {
        "Any" => "any".to_owned(),
        "Assigned" => "assigned".to_owned(),
        "Ascii" => "ascii".to_owned(),
        // The regex crate has no surrogates, which no text holds.
        "Cs" | "Surrogate" => return unicode("Any", !negated),
        name if CATEGORIES.contains(&name) => format!("gc={name}"),
        name if SCRIPTS.contains(&name) => format!("sc={name}"),
        name => format!("gc={}", LONG_CATEGORIES.iter().find(|(long, _)| *long == name)?.1),
    };
    Some(format!("\\{letter}{{{class}}}"))
}

fn canonical(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for letter in name.chars().filter(|it| !matches!(it, '_' | '-' | ' ')) {
        out.push(if out.is_empty() { letter.to_ascii_uppercase() } else { letter.to_ascii_lowercase() });
    }
    out
}
