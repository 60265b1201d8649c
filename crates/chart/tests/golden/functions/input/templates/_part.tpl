{{- define "functions.part" }}part of {{ .x }}{{ end -}}
