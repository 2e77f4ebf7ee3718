{{- define "lnmux.name" -}}
{{- if contains .Chart.Name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "lnmux.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{- define "lnmux.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "lnmux.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "lnmux.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "lnmux.name" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "lnmux.lease" -}}
{{- .Values.distributedLock.name | default (include "lnmux.name" .) }}
{{- end }}

{{- define "lnmux.image" -}}
{{- printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) }}
{{- end }}

{{/* lnmux.yml. Keys and the DSN are in files of their own, so no secret is in it. */}}
{{- define "lnmux.config" -}}
lnd:
  network: {{ .Values.network }}
  nodes:
    {{- range .Values.nodes }}
    - name: {{ .name | quote }}
      pubKey: {{ .pubKey | quote }}
      lndUrl: {{ .lndUrl | quote }}
      tlsCertPath: /etc/lnmux/nodes/{{ .name }}/tls.cert
      macaroonPath: /etc/lnmux/nodes/{{ .name }}/lnmux.macaroon
      {{- if hasKey . "priority" }}
      priority: {{ .priority }}
      {{- end }}
    {{- else }}
    []
    {{- end }}
listenAddress: {{ printf "0.0.0.0:%v" .Values.api.port | quote }}
instrumentationAddress: {{ printf "0.0.0.0:%v" .Values.metrics.port | quote }}
healthAddress: {{ printf "0.0.0.0:%v" .Values.health.port | quote }}
{{- if or .Values.api.tlsSecret .Values.api.clientCaSecret .Values.api.accessSecret .Values.api.allowPlaintext }}
api:
  {{- if .Values.api.tlsSecret }}
  tlsCertPath: /etc/lnmux/api-tls/tls.crt
  tlsKeyPath: /etc/lnmux/api-tls/tls.key
  {{- end }}
  {{- if .Values.api.clientCaSecret }}
  clientCaPath: /etc/lnmux/api-clients/ca.crt
  {{- end }}
  {{- if .Values.api.accessSecret }}
  accessPath: /etc/lnmux/api-access/access
  {{- end }}
  {{- if .Values.api.allowPlaintext }}
  allowPlaintext: true
  {{- end }}
{{- end }}
{{- if .Values.distributedLock.enabled }}
distributedLock:
  namespace: {{ .Release.Namespace | quote }}
  name: {{ include "lnmux.lease" . | quote }}
{{- end }}
{{- with .Values.config }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* Secrets are files: an environment is inherited by every process that the container starts. */}}
{{- define "lnmux.env" -}}
- name: LNMUX_IDENTITY_KEY_FILE
  value: /etc/lnmux/keys/identity-key
- name: LNMUX_PERSISTENCE_POSTGRES_DSN_FILE
  value: /etc/lnmux/keys/dsn
{{- end }}

{{- define "lnmux.keysMount" -}}
- name: keys
  mountPath: /etc/lnmux/keys
  readOnly: true
{{- end }}

{{- define "lnmux.keysVolume" -}}
- name: keys
  projected:
    defaultMode: 0440
    sources:
      - secret:
          name: {{ .Values.identityKey.existingSecret | quote }}
          items:
            - key: {{ .Values.identityKey.key | quote }}
              path: identity-key
      - secret:
          name: {{ .Values.database.existingSecret | quote }}
          items:
            - key: {{ .Values.database.key | quote }}
              path: dsn
{{- end }}

{{- define "lnmux.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{- define "lnmux.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
