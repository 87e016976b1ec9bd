{{/* The variables of docs/contracts.md. helm reads numbers as floats; int64 keeps large ones from becoming 2.097152e+07. */}}
{{- define "medinfer.apiEnvironment" -}}
{{- $api := .Values.api -}}
- {name: MEDINFER_API_BIND, value: "{{ include "medinfer.bindAll" . }}:8002"}
- {name: MEDINFER_API_INNER_BIND, value: "{{ include "medinfer.bindAll" . }}:8003"}
- {name: MEDINFER_API_ROUTES_FILE, value: /etc/medinfer/routes.json}
{{- if $api.watchRoutes }}
- {name: MEDINFER_API_ROUTES_CONFIGMAP, value: {{ include "medinfer.routes" . }}}
{{- end }}
- name: MEDINFER_API_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- {name: MEDINFER_API_REPLICA_HOSTS, value: {{ printf "*.%s.%s.svc" (include "medinfer.replicas" .) .Release.Namespace | quote }}}
{{- if $api.auth.secretName }}
- {name: MEDINFER_API_ACCESS_FILE, value: /etc/medinfer-access/access.json}
{{- end }}
{{- if .Values.caConfigMapName }}
- {name: MEDINFER_API_CA_FILE, value: /etc/medinfer-ca/ca.crt}
{{- end }}
- {name: MEDINFER_API_RUNTIME_DIR, value: /run/medinfer}
- {name: MEDINFER_API_WORKERS, value: {{ $api.workers | int64 | quote }}}
- {name: MEDINFER_API_DEADLINE_SECONDS, value: {{ $api.deadlineSeconds | quote }}}
- {name: MEDINFER_API_MAX_IN_FLIGHT, value: {{ $api.maxInFlight | int64 | quote }}}
- {name: MEDINFER_API_MAX_UPLOAD_BYTES, value: {{ $api.maxUploadBytes | int64 | quote }}}
- {name: MEDINFER_API_MAX_PIXELS, value: {{ $api.maxPixels | int64 | quote }}}
- {name: MEDINFER_API_MEMORY_BUDGET_BYTES, value: {{ $api.memoryBudgetBytes | int64 | quote }}}
- {name: MEDINFER_API_MAX_PODS, value: {{ ternary $api.autoscaling.maxReplicas $api.replicaCount $api.autoscaling.enabled | int64 | quote }}}
{{- with $api.limits.redis.address }}
- {name: MEDINFER_API_REDIS_URL, value: {{ . | quote }}}
- {name: MEDINFER_API_REDIS_PREFIX, value: {{ printf "%s/%s" $.Release.Namespace (include "medinfer.api" $) | quote }}}
{{- if $api.limits.redis.secretName }}
- {name: MEDINFER_API_REDIS_PASSWORD_FILE, value: /etc/medinfer-redis/password}
- {name: MEDINFER_API_REDIS_CA_FILE, value: /etc/medinfer-redis/ca.crt}
{{- end }}
{{- end }}
- {name: MEDINFER_API_URGENT_RESERVE_PERCENT, value: {{ $api.limits.urgentReservePercent | int64 | quote }}}
{{- with include "medinfer.allowedHosts" . }}
- {name: MEDINFER_API_ALLOWED_HOSTS, value: {{ . | quote }}}
{{- end }}
{{- with $api.trustedProxies }}
- {name: MEDINFER_API_TRUSTED_PROXIES, value: {{ join "," . | quote }}}
{{- end }}
- {name: MEDINFER_API_DRAIN_SECONDS, value: {{ $api.drainSeconds | quote }}}
- {name: MEDINFER_API_LOG_REQUESTS, value: {{ $api.logRequests | quote }}}
{{- with $api.corsOrigins }}
- {name: MEDINFER_API_CORS_ORIGINS, value: {{ join " " . | quote }}}
{{- end }}
{{- if .Values.tracing.enabled }}
{{- $pods := ternary $api.autoscaling.maxReplicas $api.replicaCount $api.autoscaling.enabled | int64 }}
{{- $processes := mul $pods ($api.workers | int64) }}
- {name: MEDINFER_API_TRACING_ENDPOINT, value: {{ include "medinfer.collector" . }}}
- {name: MEDINFER_API_TRACING_RATIO, value: {{ .Values.tracing.ratio | quote }}}
- {name: MEDINFER_API_TRACING_MAX_PER_SECOND, value: {{ max 1 (div (.Values.tracing.maxPerSecond | int64) $processes) | quote }}}
{{- end }}
{{- if ne $api.audit.mode "off" }}
- {name: MEDINFER_API_AUDIT_MODE, value: {{ $api.audit.mode }}}
- {name: MEDINFER_API_AUDIT_KEY_FILE, value: /etc/medinfer-audit/key}
{{- if $api.audit.volume }}
- {name: MEDINFER_API_AUDIT_FILE, value: /var/log/medinfer/audit.jsonl}
{{- end }}
{{- end }}
{{- end }}
