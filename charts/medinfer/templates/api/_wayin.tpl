{{/* What Ingress, HTTPRoute and Certificate have in common. */}}

{{/* Refuses a way in for everybody, unless that is meant. Called with (list . "api.ingress.enabled"). */}}
{{- define "medinfer.checkWayIn" -}}
{{- $auth := (index . 0).Values.api.auth -}}
{{- if not (or $auth.secretName $auth.allowAnonymous) -}}
{{- fail (printf "%s lets everybody outside the cluster ask the API: set api.auth.secretName to the Secret with the access document, or api.auth.allowAnonymous: true if this is meant" (index . 1)) -}}
{{- end -}}
{{- end }}

{{/* The host names of all ways in that are enabled, separated by commas. */}}
{{- define "medinfer.wayInHosts" -}}
{{- $hosts := list -}}
{{- with .Values.api.ingress }}{{ if and .enabled .host }}{{ $hosts = append $hosts .host }}{{ end }}{{ end -}}
{{- with .Values.api.gateway }}{{ if .enabled }}{{ $hosts = concat $hosts .hostnames }}{{ end }}{{ end -}}
{{- $hosts | uniq | join "," -}}
{{- end }}

{{/* Hosts that the API answers for; nothing is any host. A way in without host names takes requests for any host. */}}
{{- define "medinfer.allowedHosts" -}}
{{- $api := .Values.api -}}
{{- $isOpen := or (and $api.ingress.enabled (not $api.ingress.host)) (and $api.gateway.enabled (not $api.gateway.hostnames)) -}}
{{- $hosts := $api.allowedHosts -}}
{{- if or $hosts (not $isOpen) -}}
{{- $hosts = concat $hosts (include "medinfer.wayInHosts" . | splitList "," | compact) -}}
{{- end -}}
{{- if $hosts -}}
{{- $service := include "medinfer.api" . -}}
{{- $scoped := printf "%s.%s" $service .Release.Namespace -}}
{{- concat $hosts (list $service $scoped (print $scoped ".svc") (print $scoped ".svc.cluster.local")) | uniq | join "," -}}
{{- end -}}
{{- end }}

{{/* The Secret that cert-manager writes; nothing if no issuer is named. */}}
{{- define "medinfer.certificateSecret" -}}
{{- with .Values.api.certificate }}{{ if .issuerRef }}{{ .secretName | default (printf "%s-tls" (include "medinfer.api" $)) }}{{ end }}{{ end -}}
{{- end }}
