//! The fields of a kustomization file and what may stand in them.

use super::shape::Shape::{self, Bool, Exact, Fields, Integer, List, Text, Texts, Values};

const TEXT_LIST: Shape = List(&Text);
const EXACT_LIST: Shape = List(&Exact);

pub(crate) const FIELD_SPECS: Shape = List(&FIELD_SPEC);
const FIELD_SPEC: Shape =
    Fields(&[("group", Exact), ("version", Exact), ("kind", Exact), ("path", Text), ("create", Bool)]);

/// Of a kustomization file.
pub(crate) const KUSTOMIZATION: Shape = Fields(&[
    ("apiVersion", Text),
    ("kind", Text),
    ("metadata", METADATA),
    ("openapi", Texts),
    ("namePrefix", Text),
    ("nameSuffix", Text),
    ("namespace", Text),
    ("commonLabels", Texts),
    ("labels", List(&LABEL)),
    ("commonAnnotations", Texts),
    ("patchesStrategicMerge", TEXT_LIST),
    ("patchesJson6902", List(&PATCH)),
    ("patches", List(&PATCH)),
    ("images", List(&IMAGE)),
    ("imageTags", List(&IMAGE)),
    ("replacements", REPLACEMENTS),
    ("replicas", List(&REPLICA)),
    ("vars", List(&VAR)),
    ("sortOptions", SORT_OPTIONS),
    ("resources", TEXT_LIST),
    ("components", TEXT_LIST),
    ("crds", TEXT_LIST),
    ("bases", TEXT_LIST),
    ("configMapGenerator", List(&CONFIG_MAP)),
    ("secretGenerator", List(&SECRET)),
    ("helmGlobals", HELM_GLOBALS),
    ("helmCharts", List(&HELM_CHART)),
    ("helmChartInflationGenerator", List(&OLD_HELM_CHART)),
    ("generatorOptions", GENERATOR_OPTIONS),
    ("configurations", TEXT_LIST),
    ("generators", TEXT_LIST),
    ("transformers", TEXT_LIST),
    ("validators", TEXT_LIST),
    ("buildMetadata", TEXT_LIST),
]);

pub(crate) const METADATA: Shape =
    Fields(&[("name", Text), ("namespace", Text), ("labels", Texts), ("annotations", Texts)]);

const LABEL: Shape = Fields(&[
    ("pairs", Texts),
    ("includeSelectors", Bool),
    ("includeTemplates", Bool),
    ("includeVolumeClaimTemplates", Bool),
    ("fields", FIELD_SPECS),
]);

const PATCH: Shape = Fields(&[("path", Text), ("patch", Text), ("target", SELECTOR), ("options", PATCH_OPTIONS)]);

pub(crate) const PATCH_OPTIONS: Shape = Fields(&[("allowNameChange", Bool), ("allowKindChange", Bool)]);

pub(crate) const SELECTOR: Shape = Fields(&[
    ("group", Exact),
    ("version", Exact),
    ("kind", Exact),
    ("name", Exact),
    ("namespace", Exact),
    ("annotationSelector", Text),
    ("labelSelector", Text),
]);

pub(crate) const IMAGE: Shape =
    Fields(&[("name", Text), ("newName", Text), ("tagSuffix", Text), ("newTag", Text), ("digest", Text)]);

pub(crate) const REPLICA: Shape = Fields(&[("name", Text), ("count", Integer)]);

const VAR: Shape = Fields(&[
    ("name", Text),
    (
        "objref",
        Fields(&[
            ("apiVersion", Text),
            ("group", Text),
            ("version", Text),
            ("kind", Text),
            ("name", Text),
            ("namespace", Text),
        ]),
    ),
    ("fieldref", Fields(&[("fieldPath", Text)])),
]);

pub(crate) const REPLACEMENTS: Shape = List(&REPLACEMENT_FIELD);
const REPLACEMENT_FIELD: Shape =
    Fields(&[("path", Text), ("source", SOURCE), ("targets", List(&TARGET)), ("sourceValue", Text)]);
/// Of a file of replacements, which cannot name another.
pub(crate) const REPLACEMENT: Shape = Fields(&[("source", SOURCE), ("targets", List(&TARGET)), ("sourceValue", Text)]);

const SOURCE: Shape = Fields(&[
    ("group", Exact),
    ("version", Exact),
    ("kind", Exact),
    ("name", Exact),
    ("namespace", Exact),
    ("fieldPath", Text),
    ("options", FIELD_OPTIONS),
]);

const TARGET: Shape =
    Fields(&[("select", SELECTOR), ("reject", List(&SELECTOR)), ("fieldPaths", TEXT_LIST), ("options", FIELD_OPTIONS)]);

const FIELD_OPTIONS: Shape = Fields(&[("delimiter", Text), ("index", Integer), ("encoding", Text), ("create", Bool)]);

pub(crate) const SORT_OPTIONS: Shape =
    Fields(&[("order", Text), ("legacySortOptions", Fields(&[("orderFirst", TEXT_LIST), ("orderLast", TEXT_LIST)]))]);

pub(crate) const GENERATOR_OPTIONS: Shape =
    Fields(&[("labels", Texts), ("annotations", Texts), ("disableNameSuffixHash", Bool), ("immutable", Bool)]);

const CONFIG_MAP: Shape = Fields(&[
    ("name", Text),
    ("namespace", Text),
    ("behavior", Text),
    ("literals", TEXT_LIST),
    ("files", TEXT_LIST),
    ("envs", TEXT_LIST),
    ("env", Text),
    ("options", GENERATOR_OPTIONS),
]);

pub(crate) const SECRET: Shape = Fields(&[
    ("name", Exact),
    ("namespace", Exact),
    ("behavior", Exact),
    ("literals", EXACT_LIST),
    ("files", EXACT_LIST),
    ("envs", EXACT_LIST),
    ("env", Exact),
    ("options", GENERATOR_OPTIONS),
    ("type", Exact),
]);

const HELM_GLOBALS: Shape = Fields(&[("chartHome", Text), ("configHome", Text)]);

const HELM_CHART: Shape = Fields(&[
    ("name", Text),
    ("version", Text),
    ("repo", Text),
    ("releaseName", Text),
    ("namespace", Text),
    ("additionalValuesFiles", TEXT_LIST),
    ("valuesFile", Text),
    ("valuesInline", Values),
    ("valuesMerge", Text),
    ("includeCRDs", Bool),
    ("skipHooks", Bool),
    ("apiVersions", TEXT_LIST),
    ("kubeVersion", Text),
    ("nameTemplate", Text),
    ("skipTests", Bool),
    ("debug", Bool),
    ("devel", Bool),
]);

/// Of a `HelmChartInflationGenerator` in a file of its own: globals and chart in one.
pub(crate) const HELM_PLUGIN: Shape = Fields(&[
    ("chartHome", Text),
    ("configHome", Text),
    ("name", Text),
    ("version", Text),
    ("repo", Text),
    ("releaseName", Text),
    ("namespace", Text),
    ("additionalValuesFiles", TEXT_LIST),
    ("valuesFile", Text),
    ("valuesInline", Values),
    ("valuesMerge", Text),
    ("includeCRDs", Bool),
    ("skipHooks", Bool),
    ("apiVersions", TEXT_LIST),
    ("kubeVersion", Text),
    ("nameTemplate", Text),
    ("skipTests", Bool),
    ("debug", Bool),
    ("devel", Bool),
]);

const OLD_HELM_CHART: Shape = Fields(&[
    ("chartName", Text),
    ("chartVersion", Text),
    ("chartRepoUrl", Text),
    ("chartHome", Text),
    ("chartRepoName", Text),
    ("helmBin", Text),
    ("helmHome", Text),
    ("values", Text),
    ("valuesLocal", Values),
    ("valuesMerge", Text),
    ("releaseName", Text),
    ("releaseNamespace", Text),
    ("extraArgs", TEXT_LIST),
]);

/// Of the configuration of a built-in transformer or generator; each reads those it knows.
pub(crate) const PLUGIN: Shape = Fields(&[
    ("metadata", METADATA),
    ("fieldSpecs", FIELD_SPECS),
    ("prefix", Text),
    ("suffix", Text),
    ("unsetOnly", Bool),
    ("setRoleBindingSubjects", Text),
    ("labels", Texts),
    ("annotations", Texts),
    ("imageTag", IMAGE),
    ("replica", REPLICA),
    ("path", Text),
    ("paths", TEXT_LIST),
    ("patch", Text),
    ("patches", Text),
    ("jsonOp", Text),
    ("target", SELECTOR),
    ("options", PATCH_OPTIONS),
    ("replacements", REPLACEMENTS),
    ("value", Text),
    ("targets", VALUE_TARGETS),
    ("targetFilePath", Text),
    ("cloud", Text),
    ("kubernetesService", Fields(&[("name", Text), ("namespace", Text)])),
    ("serviceAccount", Fields(&[("name", Text), ("projectId", Text)])),
]);

/// Of a `ValueAddTransformer` and its file of targets.
const VALUE_TARGETS: Shape =
    List(&Fields(&[("selector", SELECTOR), ("fieldPath", Text), ("filePathPosition", Integer)]));
pub(crate) const VALUE_TARGET_FILE: Shape = Fields(&[("targets", VALUE_TARGETS)]);

/// Of a file of `configurations`.
pub(crate) const CONFIGURATION: Shape = Fields(&[
    ("namePrefix", FIELD_SPECS),
    ("nameSuffix", FIELD_SPECS),
    ("namespace", FIELD_SPECS),
    ("commonLabels", FIELD_SPECS),
    ("labels", FIELD_SPECS),
    ("templateLabels", FIELD_SPECS),
    ("volumeClaimTemplateLabels", FIELD_SPECS),
    ("commonAnnotations", FIELD_SPECS),
    (
        "nameReference",
        List(&Fields(&[("group", Exact), ("version", Exact), ("kind", Exact), ("fieldSpecs", FIELD_SPECS)])),
    ),
    ("varReference", FIELD_SPECS),
    ("images", FIELD_SPECS),
    ("replicas", FIELD_SPECS),
]);
