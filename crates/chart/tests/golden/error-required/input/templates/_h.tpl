{{ define "h" }}
{{ required "need .Values.none" .Values.none }}{{ end }}