{{/* Refuses what cannot work together. */}}
{{- define "medinfer.checkAutoscaling" -}}
{{- $scaling := .Values.triton.autoscaling -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) -}}
{{- fail (printf "triton.autoscaling.minReplicas (%d) is above triton.autoscaling.maxReplicas (%d): lower the first or raise the second" (int $scaling.minReplicas) (int $scaling.maxReplicas)) -}}
{{- end -}}
{{- if and .Values.networkPolicy.enabled (not .Values.networkPolicy.scalingClients) -}}
{{- fail "triton.autoscaling.enabled needs networkPolicy.scalingClients: add KEDA's namespace, or the pods of your metrics adapter" -}}
{{- end -}}
{{- if eq $scaling.externalMetrics.images $scaling.externalMetrics.replicaFloor -}}
{{- fail (printf "triton.autoscaling.externalMetrics.images and replicaFloor are both %s: they are two metrics, so give each its name" $scaling.externalMetrics.images) -}}
{{- end -}}
{{- end }}

{{/* How fast replicas come and go. Up at once; down one a minute, as each drains. */}}
{{- define "medinfer.scalingBehavior" -}}
scaleUp:
  stabilizationWindowSeconds: 0
  policies:
    - {type: Pods, value: 2, periodSeconds: 60}
scaleDown:
  stabilizationWindowSeconds: {{ .Values.triton.autoscaling.scaleDownAfterSeconds }}
  policies:
    - {type: Pods, value: 1, periodSeconds: 60}
{{- end }}
