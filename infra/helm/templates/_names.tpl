{{- define "switchyard.name" -}}
{{ .root.Release.Name }}-{{ .name | replace "_" "-" }}
{{- end }}

{{- define "switchyard.labels" -}}
app.kubernetes.io/name: switchyard
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name | replace "_" "-" }}
{{- end }}

{{- define "switchyard.image" -}}
{{ .root.Values.image.repository }}/{{ .name | replace "_" "-" }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{- define "switchyard.env" -}}
{{- range $group := .settings }}
{{- range $variable := required (printf "values.yaml has no group of settings %s" $group) (index $.root.Values.settings $group) }}
- name: {{ $variable }}
  valueFrom:
    secretKeyRef:
      name: {{ $.root.Values.secret }}
      key: {{ $variable }}
      optional: true
{{- end }}
{{- end }}
{{- end }}

{{- define "switchyard.confined" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
capabilities:
  drop: [ALL]
seccompProfile:
  type: RuntimeDefault
{{- end }}
