//! Sprig's functions against recorded answers, and what answers cannot show: bounds, chance, certificates.

mod answer;

use std::{fs, path::Path, rc::Rc};

use answer::{Counter, Fixed, answer, execute, functions};
use weir_gotemplate::{Functions, Limits, Options, Value, sprig::Zone};

fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sprig").join(name);
    fs::read_to_string(path).expect("the golden file")
}

/// Every line of a family's file; a failure shows the template, what was recorded and what we say.
fn check(family: &str, functions: &Rc<Functions>) {
    let pool = golden("pool.json");
    let (mut count, mut wrong) = (0, Vec::new());
    for line in golden(&format!("{family}.tsv")).lines().filter(|line| !line.starts_with('#')) {
        let (template, recorded) = line.split_once('\t').expect("two columns");
        let ours = answer(functions, &pool, template);
        count += 1;
        if ours != recorded {
            wrong.push(format!("{template}\n  Go   {recorded}\n  ours {ours}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count > 5);
}

macro_rules! families {
    ($($family:ident)*) => {
        $(#[test]
        fn $family() {
            check(stringify!($family), &functions(Zone::Utc, Counter::new()));
        })*

        #[test]
        fn every_recorded_family_is_tested() {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sprig");
            for entry in fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                if let Some(family) = name.strip_suffix(".tsv") {
                    assert!(family == "certificates" || [$(stringify!($family)),*].contains(&family), "{family}");
                }
            }
        }
    };
}

families!(crypto dates defaults dicts edges encoding json lists math paths regex strings versions);

#[test]
fn certificates_are_those_of_go_to_the_byte() {
    check("certificates", &functions(Zone::Utc, Fixed));
}

fn run(template: &str) -> Result<String, String> {
    let functions = functions(Zone::Utc, Counter::new());
    let output = execute(&functions, template.as_bytes(), &Value::map([("a", Value::from("b"))]), Options::default());
    output.map(|it| String::from_utf8_lossy(&it).into_owned())
}

#[test]
fn every_function_of_sprig_is_there() {
    // TxtFuncMap of v3.3.0 without env and expandenv.
    let names = "abbrev abbrevboth add add1 add1f addf adler32sum ago all any append atoi b32dec b32enc b64dec b64enc base \
        bcrypt biggest buildCustomCert camelcase cat ceil chunk clean coalesce compact concat contains date dateInZone \
        dateModify date_in_zone date_modify decryptAES deepCopy deepEqual default derivePassword dict dig dir div divf \
        duration durationRound empty encryptAES ext fail first float64 floor fromJson genCA genCAWithKey genPrivateKey \
        genSelfSignedCert genSelfSignedCertWithKey genSignedCert genSignedCertWithKey get getHostByName has hasKey \
        hasPrefix hasSuffix hello htmlDate htmlDateInZone htpasswd indent initial initials int int64 isAbs join kebabcase \
        keys kindIs kindOf last list lower max maxf merge mergeOverwrite min minf mod mul mulf mustAppend mustChunk \
        mustCompact mustDateModify mustDeepCopy mustFirst mustFromJson mustHas mustInitial mustLast mustMerge \
        mustMergeOverwrite mustPrepend mustPush mustRegexFind mustRegexFindAll mustRegexMatch mustRegexReplaceAll \
        mustRegexReplaceAllLiteral mustRegexSplit mustRest mustReverse mustSlice mustToDate mustToJson mustToPrettyJson \
        mustToRawJson mustUniq mustWithout must_date_modify nindent nospace now omit osBase osClean osDir osExt osIsAbs \
        pick pluck plural prepend push quote randAlpha randAlphaNum randAscii randBytes randInt randNumeric regexFind \
        regexFindAll regexMatch regexQuoteMeta regexReplaceAll regexReplaceAllLiteral regexSplit repeat replace rest \
        reverse round semver semverCompare seq set sha1sum sha256sum sha512sum shuffle slice snakecase sortAlpha split \
        splitList splitn squote sub subf substr swapcase ternary title toDate toDecimal toJson toPrettyJson toRawJson \
        toString toStrings trim trimAll trimPrefix trimSuffix trimall trunc tuple typeIs typeIsLike typeOf uniq unixEpoch \
        unset until untilStep untitle upper urlJoin urlParse uuidv4 values without wrap wrapWith";
    let functions = functions(Zone::Utc, Counter::new());
    let mut ours = functions.names();
    ours.sort_unstable();
    let mut theirs: Vec<_> = names.split_whitespace().collect();
    theirs.sort_unstable();
    assert_eq!(ours, theirs);
}

#[test]
fn every_function_has_recorded_answers() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/sprig");
    let mut words = std::collections::HashSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|it| it == "tsv") {
            let text = fs::read_to_string(path).unwrap();
            for template in text.lines().filter_map(|line| Some(line.split_once('\t')?.0)) {
                words.extend(template.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_owned));
            }
        }
    }
    let mut missing = functions(Zone::Utc, Counter::new()).names();
    missing.retain(|it| !words.contains(*it));
    missing.sort_unstable();
    // Their keys are RSA's and made by chance; `keys_of_every_kind_are_made_and_read_again` looks at them.
    assert_eq!(missing, ["genSelfSignedCert", "genSignedCert"]);
}

#[test]
fn huge_counts_are_refused_before_memory_is_taken() {
    let functions = functions(Zone::Utc, Counter::new());
    for template in [
        r#"{{ repeat 9000000000 "x" }}"#,
        "{{ until 1000000000 }}",
        "{{ untilStep 0 9223372036854775807 1 }}",
        "{{ seq 4000000000 }}",
        r#"{{ indent 9000000000 "a" }}"#,
        r#"{{ nindent 2000000 (repeat 100000 "\n") }}"#,
        "{{ randAlphaNum 9000000000 }}",
        "{{ randBytes 9000000000 }}",
        r#"{{ $s := repeat 1000000 "a" }}{{ replace "a" $s $s }}"#,
        r#"{{ $s := repeat 1000000 "a" }}{{ regexReplaceAll "a" $s $s }}"#,
        r#"{{ $s := repeat 1000000 "a" }}{{ regexReplaceAllLiteral "" $s $s }}"#,
        r#"{{ $s := repeat 1000000 "a " }}{{ wrapWith 1 $s $s }}"#,
        r#"{{ $l := until 300000 }}{{ $l = concat $l $l }}{{ $l = concat $l $l }}{{ $l = concat $l $l }}"#,
        r#"{{ $s := repeat 3000000 "a" }}{{ splitList "" $s }}"#,
        r#"{{ $s := repeat 3000000 "a" }}{{ split "" $s }}"#,
        r#"{{ $s := repeat 3000000 "a" }}{{ regexFindAll "a" $s -1 }}"#,
        r#"{{ $s := repeat 3000000 "a" }}{{ regexSplit "a" $s -1 }}"#,
        r#"{{ uniq (until 10000) }}"#,
        r#"{{ $l := until 10000 }}{{ range $l }}{{ $_ := append $l 1 }}{{ end }}"#,
        r#"{{ $s := repeat 15000000 "a" }}{{ b64enc $s }}"#,
    ] {
        let limits = Limits { steps: 1 << 20, output: 32 << 20, ..Limits::default() };
        let options = Options { limits, ..Options::default() };
        let error = execute(&functions, template.as_bytes(), &Value::Nil, options).expect_err(template);
        let bounds = ["the template takes too many steps", "the template writes too much"];
        assert!(bounds.iter().any(|it| error.ends_with(it)), "{template}: {error}");
    }
}

#[test]
fn structures_without_end_are_survived() {
    assert!(run(r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ toJson $d }}"#).unwrap().is_empty());
    assert!(run(r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ mustToJson $d }}"#).unwrap_err().contains("cycle"));
    assert!(run(r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ deepCopy $d }}"#).is_err());
    assert_eq!(run(r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ deepEqual $d $d }}"#).unwrap(), "true");
    let twins = r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $e := dict }}{{ $_ := set $e "d" $e }}"#;
    assert_eq!(run(&format!("{twins}{{{{ deepEqual $d $e }}}}")).unwrap(), "true");
    assert!(run(&format!("{twins}{{{{ merge $d $e }}}}")).is_err());
}

#[test]
fn regular_expressions_are_bounded() {
    let groups = "(".repeat(2_000) + &")".repeat(2_000);
    assert!(run(&format!("{{{{ mustRegexMatch `{groups}` `x` }}}}")).unwrap_err().contains("nests too deeply"));
    assert!(
        run(r"{{ mustRegexMatch `(\pL{1000}){1,1}(\pL{1000})(\pL{1000})(\pL{1000})(\pL{1000})` `x` }}")
            .is_err_and(|error| error.contains("expression too large"))
    );
    // Exponential for those that backtrack.
    let text = "a".repeat(50_000);
    assert_eq!(run(&format!("{{{{ regexMatch `^(a|a|a)*(a|aa)*$` `{text}b` }}}}")).unwrap(), "false");
}

#[test]
fn the_same_clock_and_randomness_give_the_same_output() {
    let template = r#"{{ now }}{{ randAlphaNum 30 }}{{ uuidv4 }}{{ shuffle "abcdefgh" }}{{ randInt 0 1000000 }}
        {{ encryptAES "k" "v" }}{{ genPrivateKey "ecdsa" }}{{ genPrivateKey "ed25519" }}{{ randAscii 20 }}{{ randBytes 9 }}"#;
    assert_eq!(run(template).unwrap(), run(template).unwrap());
    assert_ne!(run("{{ randAlpha 20 }}").unwrap(), run("{{ randAlpha 1 }}{{ randAlpha 20 }}").unwrap());
}

#[test]
fn keys_of_every_kind_are_made_and_read_again() {
    for (kind, name) in [("rsa", "RSA "), ("", "RSA "), ("ecdsa", "EC "), ("ed25519", "")] {
        let made = run(&format!(
            "{{{{ $k := genPrivateKey `{kind}` }}}}{{{{ $k }}}}{{{{ eq (genCAWithKey `c` 1 $k).Key $k }}}}"
        ));
        let made = made.unwrap();
        assert!(made.starts_with(&format!("-----BEGIN {name}PRIVATE KEY-----\n")), "{made}");
        assert!(made.ends_with(&format!("-----END {name}PRIVATE KEY-----\ntrue")), "{made}");
    }
    let certificate = run(r#"{{ $ca := genCA "ca" 1 }}{{ $c := genSignedCert "c" nil (list "a") 1 $ca }}
        {{- $s := genSelfSignedCert "s" nil nil 1 }}{{ ne $c.Key $ca.Key }}{{ len (splitList "BEGIN CERT" (cat $c.Cert $s.Cert)) }}"#);
    assert_eq!(certificate.unwrap(), "true3");
}

#[test]
fn the_deadline_stops_long_work() {
    let functions = functions(Zone::Utc, Counter::new());
    let limits = Limits { expired: Some(Rc::new(|| true)), ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let error = execute(&functions, b"{{ uniq (until 5000) }}", &Value::Nil, options).unwrap_err();
    assert!(error.ends_with("the template takes too long"), "{error}");
}

#[test]
fn the_local_zone_is_that_of_the_world() {
    let berlin = functions(Zone::named("Europe/Berlin").unwrap(), Counter::new());
    let output = |template: &str| {
        String::from_utf8(execute(&berlin, template.as_bytes(), &Value::Nil, Options::default()).unwrap()).unwrap()
    };
    assert_eq!(output(r#"{{ now | date "15:04 MST" }}"#), "00:00 CET");
    assert_eq!(output(r#"{{ toDate "2006-01-02 15:04" "2021-07-01 12:00" }}"#), "2021-07-01 12:00:00 +0200 CEST");
    assert_eq!(
        output(r#"{{ toDate "2006-01-02 15:04 MST" "2021-01-01 12:00 CEST" }}"#),
        "2021-01-01 11:00:00 +0100 CET"
    );
    assert_eq!(
        output(r#"{{ (dateInZone "15:04" 0 "UTC") }}{{ (toDate "2006 -0700" "2021 +0100").Location }}"#),
        "00:00Europe/Berlin"
    );
    // A time that the clocks skip, and one they show twice.
    assert_eq!(output(r#"{{ toDate "2006-01-02 15:04" "2021-03-28 02:30" }}"#), "2021-03-28 03:30:00 +0200 CEST");
    assert_eq!(output(r#"{{ toDate "2006-01-02 15:04" "2021-10-31 02:30" }}"#), "2021-10-31 02:30:00 +0100 CET");
}
