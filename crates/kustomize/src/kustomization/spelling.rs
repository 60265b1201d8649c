//! From values to typed fields: nulls are not given, names are read in any case.

use serde_json::Value;

use crate::Error;

/// Typed fields from a value; what is null counts as not given.
pub(crate) fn from_value<T: serde::de::DeserializeOwned>(mut value: Value, file: &str) -> Result<T, Error> {
    drop_nulls(&mut value);
    respell(&mut value);
    serde_json::from_value(value).map_err(|error| Error::field(file, "fields", error))
}

/// The same for the configuration of a plugin, where numbers and booleans are taken for strings.
pub(crate) fn from_lenient<T: serde::de::DeserializeOwned>(mut value: Value, file: &str) -> Result<T, Error> {
    drop_nulls(&mut value);
    stringify(&mut value);
    from_value(value, file)
}

/// Fields that hold a number or a boolean; all others hold strings.
const TYPED: [&str; 16] = [
    "create",
    "count",
    "index",
    "unsetOnly",
    "filePathPosition",
    "disableNameSuffixHash",
    "immutable",
    "allowNameChange",
    "allowKindChange",
    "includeSelectors",
    "includeTemplates",
    "includeVolumeClaimTemplates",
    "includeCRDs",
    "skipHooks",
    "skipTests",
    "valuesInline",
];

fn stringify(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if !TYPED.iter().any(|typed| typed.eq_ignore_ascii_case(key)) {
                    stringify(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(stringify),
        Value::Bool(b) => *value = Value::String(b.to_string()),
        Value::Number(n) => *value = Value::String(n.to_string()),
        Value::String(_) | Value::Null => {}
    }
}

/// Maps whose keys are free.
const FREE: [&str; 8] =
    ["commonLabels", "commonAnnotations", "pairs", "labels", "annotations", "valuesInline", "openapi", "valuesLocal"];

/// The spelling of fields; the original reads them in any case.
const FIELDS: &str = "apiVersion kind metadata openapi namePrefix nameSuffix namespace commonLabels labels \
    commonAnnotations patchesStrategicMerge patchesJson6902 patches images imageTags replacements replicas vars \
    sortOptions resources components crds bases configMapGenerator secretGenerator helmGlobals helmCharts \
    helmChartInflationGenerator generatorOptions configurations generators transformers validators buildMetadata pairs \
    includeSelectors includeTemplates includeVolumeClaimTemplates fields path patch target options allowNameChange \
    allowKindChange name newName tagSuffix newTag digest count objref fieldref group version source targets sourceValue \
    select reject fieldPaths fieldPath delimiter index encoding create order legacySortOptions orderFirst orderLast \
    behavior literals files envs env type annotations disableNameSuffixHash immutable annotationSelector labelSelector \
    fieldSpecs prefix suffix unsetOnly setRoleBindingSubjects imageTag replica paths jsonOp value targetFilePath cloud \
    kubernetesService serviceAccount projectId selector filePathPosition nameReference varReference templateLabels \
    volumeClaimTemplateLabels";

fn respell(value: &mut Value) {
    match value {
        Value::Object(map) => {
            let known = |key: &str| FIELDS.split_whitespace().any(|field| field == key);
            if map.keys().any(|key| !known(key)) {
                let old = std::mem::take(map);
                for (key, value) in old {
                    let spelled = FIELDS.split_whitespace().find(|field| field.eq_ignore_ascii_case(&key));
                    let spelled = spelled.map_or(key, str::to_owned);
                    map.entry(spelled).or_insert(value);
                }
            }
            for (key, value) in map.iter_mut() {
                if !FREE.contains(&key.as_str()) || value.is_array() {
                    respell(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(respell),
        _ => {}
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            for (key, value) in map.iter_mut() {
                match value.as_object_mut().filter(|_| FREE.contains(&key.as_str())) {
                    // In a map of strings null is the empty one.
                    Some(free) => {
                        free.values_mut().filter(|v| v.is_null()).for_each(|v| *v = Value::String(String::new()));
                    }
                    None => drop_nulls(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
