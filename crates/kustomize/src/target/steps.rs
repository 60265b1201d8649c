//! The generators and transformers of one kustomization, in the order kustomize runs them.

use weir_yaml::Node;

use super::{Accumulated, Shared, Target};
use crate::charts::ChartFields;
use crate::generate::{Generated, effective_options, generate};
use crate::kustomization::GeneratorArgs;
use crate::origin::{self, ORIGIN, Origin};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::transform::names::{End, NamespaceArgs, Subjects};
use crate::transform::{images, labels, names, patches, replacements, replicas};
use crate::{Error, read};

/// A validator may say that it looked at an object.
const VALIDATED_BY: &str = "validated-by";

impl Target<'_> {
    pub(super) fn generate(&self, all: &mut Accumulated, shared: &mut Shared) -> Result<(), Error> {
        let lists: [(Generated, &[GeneratorArgs], &str, &str); 2] = [
            (Generated::ConfigMap, &self.fields.config_map_generator, "ConfigMapGenerator", "configMapGenerator"),
            (Generated::Secret, &self.fields.secret_generator, "SecretGenerator", "secretGenerator"),
        ];
        let mut generated = Vec::new();
        for (what, entries, kind, field) in lists {
            for args in entries {
                let options = effective_options(args.options.as_ref(), self.fields.generator_options.as_ref());
                let at = |error: Error| error.at(&self.file, format!("{field}: {}", args.name));
                let mut resource = generate(what, args, &options, &self.loader).map_err(at)?;
                self.mark_origin(&mut resource, kind);
                generated.push(resource);
            }
        }
        all.map.absorb_all(generated).map_err(|e| e.at(&self.file, "generators"))?;
        let schema = shared.schema.clone();
        self.charts(all, &schema)?;
        self.plugin_generators(all, shared)
    }

    fn charts(&self, all: &mut Accumulated, schema: &Schema) -> Result<(), Error> {
        for entry in &self.fields.helm_charts {
            let mut entry = entry.clone();
            if let Some(globals) = &self.fields.helm_globals {
                entry.chart_home.clone_from(&globals.chart_home);
                entry.config_home.clone_from(&globals.config_home);
            }
            if entry.namespace.is_empty() {
                let own = &self.fields.namespace;
                entry.namespace.clone_from(if own.is_empty() { &self.helm_namespace } else { own });
            }
            let name = entry.name.clone();
            let at = |error: Error| error.at(&self.file, format!("helmCharts: {name}"));
            let mut rendered = self.inflate(entry, schema).map_err(at)?;
            for resource in &mut rendered {
                self.mark_origin(resource, "HelmChartInflationGenerator");
            }
            all.map.absorb_all(rendered).map_err(at)?;
        }
        Ok(())
    }

    /// The objects of a chart, marked as such: the namespace transformer leaves them alone.
    pub(super) fn inflate(&self, entry: ChartFields, schema: &Schema) -> Result<Vec<Resource>, Error> {
        let Some(charts) = self.loader.options.charts else {
            return Err(Error::object(
                "trouble configuring builtin HelmChartInflationGenerator: must specify --enable-helm",
            ));
        };
        let what = format!("chart {}", entry.name);
        let text = entry.inflate(charts, &self.loader, schema)?;
        let mut rendered = read::resources(&text, &what)?;
        for resource in &mut rendered {
            self.loader.meter.take(&resource.node)?;
            resource.from_helm = true;
        }
        Ok(rendered)
    }

    fn mark_origin(&self, resource: &mut Resource, kind: &str) {
        if let Some(origin) = &self.origin
            && resource.annotation(ORIGIN).is_none()
        {
            resource.set_annotation(ORIGIN, &origin.builtin(&self.name, kind).text());
        }
    }

    /// Ends a step: notes what ran, drops what was deleted.
    pub(super) fn after(&self, map: &mut ResMap, by: Option<&Origin>) -> Result<(), Error> {
        map.drop_empty();
        let Some(by) = by else { return Ok(()) };
        let ResMap { list, meter } = map;
        for resource in list {
            meter.go_on()?;
            origin::record(resource, by, meter)?;
        }
        Ok(())
    }

    fn step(
        &self,
        map: &mut ResMap,
        kind: &str,
        field: &str,
        run: impl FnOnce(&mut ResMap) -> Result<(), Error>,
    ) -> Result<(), Error> {
        run(map).map_err(|e| e.at(&self.file, field))?;
        let by = self.origin.as_ref().map(|o| o.builtin(&self.name, kind));
        self.after(map, by.as_ref())
    }

    pub(super) fn transform(&self, all: &mut Accumulated, shared: &mut Shared) -> Result<(), Error> {
        let fields = &self.fields;
        let Accumulated { map, config, .. } = all;
        let schema = shared.schema.clone();
        if !fields.patches_strategic_merge.is_empty() {
            self.step(map, "PatchStrategicMergeTransformer", "patchesStrategicMerge", |map| {
                patches::strategic_merge_list(map, &fields.patches_strategic_merge, &self.loader, &schema)
            })?;
        }
        for (number, patch) in fields.patches.iter().enumerate() {
            self.step(map, "PatchTransformer", &format!("patches[{number}]"), |map| {
                patches::patch(map, patch, &self.loader, &schema)
            })?;
        }
        if !fields.namespace.is_empty() {
            let args = NamespaceArgs {
                namespace: fields.namespace.clone(),
                specs: config.namespace.clone(),
                unset_only: false,
                subjects: Subjects::DefaultOnly,
            };
            self.step(map, "NamespaceTransformer", "namespace", |map| names::namespace(map, &args))?;
        }
        if !fields.name_prefix.is_empty() {
            self.step(map, "PrefixTransformer", "namePrefix", |map| {
                names::affix(map, End::Prefix, &fields.name_prefix, &config.name_prefix)
            })?;
        }
        if !fields.name_suffix.is_empty() {
            self.step(map, "SuffixTransformer", "nameSuffix", |map| {
                names::affix(map, End::Suffix, &fields.name_suffix, &config.name_suffix)
            })?;
        }
        for label in &fields.labels {
            self.step(map, "LabelTransformer", "labels", |map| {
                labels::set(map, &label.pairs, &labels::specs(label, config)?)
            })?;
        }
        if !fields.common_labels.is_empty() || !fields.labels.is_empty() {
            self.step(map, "LabelTransformer", "commonLabels", |map| {
                labels::set(map, &fields.common_labels, &config.common_labels)
            })?;
        }
        if !fields.common_annotations.is_empty() {
            self.step(map, "AnnotationsTransformer", "commonAnnotations", |map| {
                labels::set(map, &fields.common_annotations, &config.common_annotations)
            })?;
        }
        for patch in &fields.patches_json6902 {
            self.step(map, "PatchJson6902Transformer", "patchesJson6902", |map| {
                patches::json6902_entry(map, patch, &self.loader)
            })?;
        }
        for replica in &fields.replicas {
            self.step(map, "ReplicaCountTransformer", "replicas", |map| {
                replicas::set(map, std::slice::from_ref(replica), &config.replicas)
            })?;
        }
        for image in &fields.images {
            self.step(map, "ImageTagTransformer", "images", |map| {
                images::set(map, std::slice::from_ref(image), &config.images)
            })?;
        }
        if !fields.replacements.is_empty() {
            self.step(map, "ReplacementTransformer", "replacements", |map| {
                replacements::apply(map, &replacements::load(&fields.replacements, &self.loader)?)
            })?;
        }
        let entries = fields.transformers.clone();
        self.plugin_transformers(all, &entries, "transformers", shared)
    }

    /// Validators may look but not change.
    pub(super) fn validate(&self, all: &mut Accumulated, shared: &mut Shared) -> Result<(), Error> {
        if self.fields.validators.is_empty() {
            return Ok(());
        }
        // As in the original also a field that is set to what it was has changed; only its own mark may be left.
        let before: Vec<Node> = all.map.list.iter().map(|resource| resource.node.clone()).collect();
        self.plugin_transformers(all, &self.fields.validators, "validators", shared)?;
        let after = all.map.list.iter().map(|resource| unmarked(&resource.node));
        if !before.into_iter().eq(after) {
            return Err(Error::field(&self.file, "validators", "a validator must not change objects"));
        }
        Ok(())
    }
}

/// The object without the label that says it was validated.
fn unmarked(node: &Node) -> Node {
    let mut node = node.clone();
    if let Some(metadata) = node.get_mut("metadata")
        && let Some(labels) = metadata.get_mut("labels")
        && labels.remove(VALIDATED_BY).is_some()
        && labels.is_empty_collection()
    {
        metadata.remove("labels");
    }
    node
}
