//! Charts made up for measuring: one template, and 5 MB as kube-prometheus-stack has them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use super::Case;
use crate::bench::put;

const CHART: &str = "apiVersion: v2\nname: made\nversion: 1.0.0\nappVersion: 1.2.3\n";
const HELPERS: &str = "{{- define \"made.name\" -}}\n{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix \"-\" -}}\n{{- end }}\n\
     {{- define \"made.labels\" -}}\napp.kubernetes.io/name: {{ include \"made.name\" . }}\napp.kubernetes.io/instance: {{ .Release.Name }}\n\
     helm.sh/chart: {{ printf \"%s-%s\" .Chart.Name .Chart.Version | replace \"+\" \"_\" }}\n{{- end }}\n";
const DEPLOYMENT: &str = "{{- range $i := until (int .Values.count) }}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ include \"made.name\" $ }}-{{ $i }}\n  \
     labels: {{- include \"made.labels\" $ | nindent 4 }}\nspec:\n  replicas: {{ $.Values.replicas }}\n  selector:\n    matchLabels:\n      \
     app: {{ include \"made.name\" $ }}-{{ $i }}\n  template:\n    metadata:\n      labels: {{- include \"made.labels\" $ | nindent 8 }}\n        \
     app: {{ include \"made.name\" $ }}-{{ $i }}\n    spec:\n      {{- with $.Values.podSecurityContext }}\n      securityContext: {{- toYaml . | nindent 8 }}\n      {{- end }}\n      \
     containers:\n        - name: app\n          image: \"{{ $.Values.image.repository }}:{{ $.Values.image.tag | default $.Chart.AppVersion }}\"\n          \
     {{- if $.Values.env }}\n          env:\n            {{- range $k, $v := $.Values.env }}\n            - name: {{ $k }}\n              value: {{ tpl $v $ | quote }}\n            \
     {{- end }}\n          {{- end }}\n          resources: {{- toYaml $.Values.resources | nindent 12 }}\n{{- end }}\n";
const VALUES: &str = "count: 1\nreplicas: 2\nnameOverride: \"\"\nimage: {repository: registry.example.org/app, tag: \"\"}\npodSecurityContext: {runAsNonRoot: true, runAsUser: 1000}\n\
     env: {LOG_LEVEL: info, RELEASE: \"{{ .Release.Name }}\"}\nresources: {limits: {memory: 128Mi}, requests: {cpu: 10m, memory: 64Mi}}\n";

pub fn all(dir: &Path) -> Result<Vec<Case>> {
    let one = dir.join("one");
    chart(&one, VALUES)?;
    let many = dir.join("many");
    chart(&many, &VALUES.replace("count: 1", "count: 1000"))?;
    let large = dir.join("large");
    chart(&large, &VALUES.replace("count: 1", "count: 100"))?;
    crds(&large)?;
    dashboards(&large)?;
    let case = |name: &str, chart: PathBuf| Case {
        name: name.to_owned(),
        chart,
        values: None,
        expected: None,
        makes_keys: false,
    };
    Ok(vec![
        case("one template", one),
        case("1,000 Deployments of one template", many),
        case("CRDs, dashboards and 100 Deployments, 5 MB", large),
    ])
}

fn chart(dir: &Path, values: &str) -> Result<()> {
    put(dir.join("Chart.yaml"), CHART)?;
    put(dir.join("values.yaml"), values)?;
    put(dir.join("templates/_helpers.tpl"), HELPERS)?;
    put(dir.join("templates/deployment.yaml"), DEPLOYMENT)
}

/// Ten CRDs of 400 KB.
fn crds(dir: &Path) -> Result<()> {
    for kind in 0..10 {
        let mut text = format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: kinds{kind}.example.org\nspec:\n  group: example.org\n  \
             names: {{kind: Kind{kind}, plural: kinds{kind}}}\n  scope: Namespaced\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      \
             openAPIV3Schema:\n        type: object\n        properties:\n"
        );
        for field in 0..1000 {
            write!(
                text,
                "          field{field}:\n            description: |-\n              field{field} is described at length, because what a field of a custom\n              \
                 resource means is told nowhere else, and wraps at eighty columns.\n              More info: https://example.org/docs/fields\n            type: array\n            \
                 items:\n              type: object\n              properties:\n                name: {{type: string}}\n"
            )?;
        }
        put(dir.join(format!("crds/kind{kind}.yaml")), &text)?;
    }
    Ok(())
}

/// Thirty ConfigMaps that hold a dashboard of 40 KB, written as charts carry them: JSON with its braces escaped.
fn dashboards(dir: &Path) -> Result<()> {
    for number in 0..30 {
        let mut panels = String::new();
        for panel in 0..160 {
            write!(
                panels,
                "        {{\n          \"datasource\": \"$datasource\",\n          \"id\": {panel},\n          \"expr\": \"sum(rate(requests_total{{job=\\\"app\\\"}}[5m])) by (pod)\",\n          \
                 \"legendFormat\": \"{{{{`{{{{`}}}}pod{{{{`}}}}`}}}}\",\n          \"title\": \"Panel {panel}\"\n        }},\n"
            )?;
        }
        let text = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{{{ include \"made.name\" . }}}}-dashboard-{number}\n  labels: {{{{- include \"made.labels\" . | nindent 4 }}}}\ndata:\n  \
             dashboard.json: |-\n    {{\n      \"panels\": [\n{panels}        {{}}\n      ]\n    }}\n"
        );
        put(dir.join(format!("templates/dashboards/dashboard-{number}.yaml")), &text)?;
    }
    Ok(())
}
