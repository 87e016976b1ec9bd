{{/*
Starts Triton as replica_agent.supervise does: explicit mode, nothing loaded, gRPC for this pod only. The key of the HTTP
control endpoints is a new random number at each start, and nobody knows it: the agent uses gRPC. The id is another one, by
which agents and API pods tell this process of Triton from the one before it. /dev/shm outlives the container, so what a
killed Triton left there is deleted first; otherwise a few crashes would fill it. A crash leaves no core dump, which would
hold images of patients.

Triton sees no backend but ONNX Runtime, so that no bundle can be run by another one. Where ONNX Runtime's is written in
Python, as in the image for CPUs, it needs the Python backend beside it.
*/}}
{{- define "medinfer.tritonCommand" -}}
command:
  - /bin/sh
  - -c
  - >-
    ulimit -c 0; rm -rf /dev/shm/* /tmp/backends && mkdir /tmp/backends
    && ln -s /opt/tritonserver/backends/onnxruntime /tmp/backends
    && if [ -e /opt/tritonserver/backends/onnxruntime/model.py ];
    then ln -s /opt/tritonserver/backends/python /tmp/backends; fi;
    read -r key </proc/sys/kernel/random/uuid && read -r id </proc/sys/kernel/random/uuid
    && exec tritonserver "$@" "--id=medinfer-$id"
    "--http-restricted-api=model-repository,model-config,shared-memory,statistics,trace,logging:medinfer-agent-key=$key"
  - tritonserver
{{- end }}

{{- define "medinfer.tritonContainer" -}}
{{- $triton := .Values.triton -}}
{{- if and $triton.gpu.enabled (kindIs "map" $triton.image) (not (get $triton.image "repository")) -}}
{{- fail "triton.image needs a repository, for example nvcr.io/nvidia/tritonserver: without one it is the build for CPUs" -}}
{{- end -}}
- name: triton
  image: {{ include "medinfer.image" (list . "medinfer-triton-cpu" $triton.image) }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  {{- include "medinfer.tritonCommand" . | nindent 2 }}
  args:
    - --model-repository=/var/lib/medinfer/repository
    - --model-control-mode=explicit
    - --strict-readiness=false
    - --backend-directory=/tmp/backends
    - --disable-auto-complete-config
    - "--http-address={{ include "medinfer.tritonBindAll" . }}"
    - --http-port=8000
    - "--grpc-address={{ include "medinfer.tritonLoopback" . }}"
    - --grpc-port=8001
    - "--metrics-address={{ include "medinfer.tritonBindAll" . }}"
    - --metrics-port=8002
    - --exit-timeout-secs={{ $triton.exitTimeoutSeconds }}
    {{- with include "medinfer.tritonTraces" . }}{{ . | nindent 4 }}{{ end }}
  # Libraries write caches into HOME; the rest of the file system is read-only.
  env: {{- include "medinfer.environment" (list "- {name: HOME, value: /tmp}" "triton.extraEnv" $triton.extraEnv) | nindent 4 }}
  ports:
    - {name: http, containerPort: 8000}
    - {name: metrics, containerPort: 8002}
  startupProbe:
    httpGet: {path: /v2/health/live, port: http}
    periodSeconds: 2
    timeoutSeconds: 2
    failureThreshold: 150
  # Asks the agent whether stable is warm. Triton's own /v2/health/ready fails while any model loads.
  readinessProbe:
    httpGet: {path: /ready, port: 8080}
    periodSeconds: 2
    timeoutSeconds: 3
  livenessProbe:
    httpGet: {path: /v2/health/live, port: http}
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  lifecycle:
    preStop:
      sleep: {seconds: {{ $triton.preStopSeconds }}}
  resources: {{- include "medinfer.tritonResources" . | nindent 4 }}
  {{- include "medinfer.containerSecurity" . | nindent 2 }}
  volumeMounts:
    - {name: data, mountPath: /var/lib/medinfer, readOnly: true}
    - {name: shm, mountPath: /dev/shm}
    - {name: tmp, mountPath: /tmp}
{{- end }}
