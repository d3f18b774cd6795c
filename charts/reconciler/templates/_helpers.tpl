{{- define "reconciler.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" -}}
{{- end -}}

{{- define "reconciler.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains (include "reconciler.name" .) .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "reconciler.name" .) | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* What never changes in the life of a release: a Deployment's selector cannot. */}}
{{- define "reconciler.selector" -}}
app.kubernetes.io/name: {{ include "reconciler.name" . | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end -}}

{{- define "reconciler.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" | quote }}
{{ include "reconciler.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: openstack-reconciler
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end -}}

{{- define "reconciler.serviceAccount" -}}
{{- .Values.serviceAccount.existingName | default (include "reconciler.fullname" .) -}}
{{- end -}}

{{/* The name of the test's pod for a cloud; where a pod cannot be called so, a hash tells it apart. */}}
{{- define "reconciler.doctorName" -}}
{{- $cloud := index . 1 -}}
{{- $plain := printf "%s-doctor-%s" (include "reconciler.fullname" (index . 0)) $cloud -}}
{{- if and (le (len $plain) 63) (regexMatch "^[a-z0-9-]*[a-z0-9]$" $plain) -}}
{{- $plain -}}
{{- else -}}
{{- $slug := regexReplaceAll "[^a-z0-9-]+" (lower $plain) "-" | trunc 54 | trimAll "-" -}}
{{- printf "%s-%s" $slug ($cloud | sha256sum | trunc 8) -}}
{{- end -}}
{{- end -}}

{{- define "reconciler.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* The settings, with the places of what is mounted written into them. */}}
{{- define "reconciler.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $source := $config.source | default dict -}}
{{- $own := dict -}}
{{- if .Values.git.ssh.existingSecret -}}
{{- $_ := set $own "ssh" (dict "key" "/run/reconciler/ssh/key" "known_hosts" "/run/reconciler/ssh/known_hosts") -}}
{{- end -}}
{{- if .Values.git.token.existingSecret -}}
{{- $_ := set $own "token" (dict "file" "/run/reconciler/token/token") -}}
{{- end -}}
{{- if .Values.git.verification.existingSecret -}}
{{- $_ := set $own "verify" (dict "keys" "/run/reconciler/keys") -}}
{{- end -}}
{{- if $source -}}
{{- $_ := set $config "source" (mergeOverwrite $own $source) -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* What a release cannot be without, said before anything is made. */}}
{{- define "reconciler.check" -}}
{{- $source := .Values.config.source | default dict -}}
{{- $_ := required "config.owner: say whose marks are written, a name that no other repository has" .Values.config.owner -}}
{{- $_ := required "config.clouds: name a cloud, as clouds.yaml does" (.Values.config.clouds | default "") -}}
{{- $_ := required "config.source.url: say which repository is followed" $source.url -}}
{{- $_ := required "openstack.existingSecret: name the Secret that has clouds.yaml" .Values.openstack.existingSecret -}}
{{- $url := $source.url | default "" -}}
{{- $ssh := or (hasPrefix "ssh://" $url) (regexMatch "^([\\w.-]+@)?[\\w.-]+:[^/]" $url) -}}
{{- if and $ssh (not $source.ssh) (not .Values.git.ssh.existingSecret) -}}
{{- fail "git.ssh.existingSecret: name the Secret with ssh-privatekey and known_hosts: config.source.url goes by ssh" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.webhook.existingSecret) -}}
{{- fail "webhook.existingSecret: name the Secret that webhooks are signed with, or leave ingress.enabled" -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.service.enabled) -}}
{{- fail "service.enabled: ingress.enabled needs the Service" -}}
{{- end -}}
{{- end -}}

{{- define "reconciler.podSecurity" -}}
runAsNonRoot: true
{{- with .Values.user }}
runAsUser: {{ int64 . }}
runAsGroup: {{ int64 . }}
fsGroup: {{ int64 . }}
fsGroupChangePolicy: OnRootMismatch
{{- end }}
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "reconciler.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "reconciler.env" -}}
- name: OS_CLIENT_CONFIG_FILE
  value: /run/reconciler/openstack/clouds.yaml
- name: RECONCILER_STATE_DIRECTORY
  value: /var/lib/reconciler
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "reconciler.volumeMounts" -}}
- name: config
  mountPath: /etc/reconciler
  readOnly: true
- name: openstack
  mountPath: /run/reconciler/openstack
  readOnly: true
- name: state
  mountPath: /var/lib/reconciler
- name: tmp
  mountPath: /tmp
{{- range $name, $used := (include "reconciler.mounted" . | fromYaml) }}
- name: {{ $name }}
  mountPath: /run/reconciler/{{ $name }}
  readOnly: true
{{- end }}
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* What is mounted only where it is named: the folder below /run/reconciler, and its volume. */}}
{{- define "reconciler.mounted" -}}
{{- if .Values.caBundle.existingConfigMap }}
ca:
  configMap:
    name: {{ .Values.caBundle.existingConfigMap | quote }}
    items: [{key: {{ .Values.caBundle.key | quote }}, path: ca.crt}]
{{- end }}
{{- with .Values.git.ssh }}
{{- if .existingSecret }}
ssh:
  secret:
    secretName: {{ .existingSecret | quote }}
    defaultMode: 0400
    items: [{key: {{ .privateKey | quote }}, path: key}, {key: {{ .knownHosts | quote }}, path: known_hosts}]
{{- end }}
{{- end }}
{{- with .Values.git.token }}
{{- if .existingSecret }}
token:
  secret:
    secretName: {{ .existingSecret | quote }}
    defaultMode: 0400
    items: [{key: {{ .key | quote }}, path: token}]
{{- end }}
{{- end }}
{{- with .Values.git.verification }}
{{- if .existingSecret }}
keys:
  secret:
    secretName: {{ .existingSecret | quote }}
    defaultMode: 0400
{{- end }}
{{- end }}
{{- end -}}

{{/* All volumes but the state's: the test's pod has one of its own. */}}
{{- define "reconciler.volumes" -}}
- name: config
  configMap:
    name: {{ include "reconciler.fullname" . | quote }}
- name: openstack
  secret:
    secretName: {{ .Values.openstack.existingSecret | quote }}
    defaultMode: 0400
    items: [{key: {{ .Values.openstack.key | quote }}, path: clouds.yaml}]
- name: tmp
  emptyDir:
    sizeLimit: 256Mi
{{- range $name, $volume := (include "reconciler.mounted" . | fromYaml) }}
- name: {{ $name }}
  {{- toYaml $volume | nindent 2 }}
{{- end }}
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
