package cloud

import (
	"bytes"
	"errors"
	"io"

	"github.com/rampart-sec/rampart/internal/threat/event"
	"github.com/rampart-sec/rampart/internal/threat/event/jsonlog"
)

var kubernetesAudit = event.NewKind("kubernetes", []string{"application"}, []string{"audit"})

var errNoVerb = errors.New("it has no verb of the Kubernetes API")

// podSpecs are the places of a pod's specification in what a request creates.
var podSpecs = []string{"requestObject.spec.", "requestObject.spec.template.spec.", "requestObject.spec.jobTemplate.spec.template.spec."}

// KubernetesAudit reads audit.k8s.io events: JSON Lines of the API server, event
// lists, and as Azure (properties.log), CloudWatch (message) and Google Cloud
// (protoPayload) wrap them. Rules also find apiGroup, hostPath and capabilities
// of the pod that a request creates.
func KubernetesAudit(in io.Reader, s *event.Schema) event.Decoder {
	paths := map[string]string{"objectRef.apiGroup": "apiGroup"}
	for _, spec := range podSpecs {
		paths[spec+"volumes.hostPath.path"] = "hostPath"
		for _, list := range []string{"containers", "initContainers"} {
			paths[spec+list+".securityContext.capabilities.add"] = "capabilities"
		}
	}
	src := source{
		layout: jsonlog.Layout{
			Bases: []string{""}, Paths: paths, Lists: []string{"items", "records"},
			Embedded: []string{"properties.log", "message", "log", "textPayload"},
		},
		needs:   []string{"verb", "protoPayload.methodName", "protoPayload.resourceName", "objectRef.resource", "objectRef.namespace", "objectRef.apiGroup", "objectRef.subresource", "apiGroup"},
		aliases: [][2]string{{"user.username", "protoPayload.authenticationInfo.principalEmail"}, {"userAgent", "protoPayload.requestMetadata.callerSuppliedUserAgent"}},
		times:   []string{"requestReceivedTimestamp", "stageTimestamp", "timestamp", "time"},
		kind: func(r *event.Record, f fields) (*event.Kind, error) {
			if r.First(f["verb"]) == 0 {
				googleKubernetes(r, f)
			}
			if r.First(f["verb"]) == 0 {
				return nil, errNoVerb
			}
			return kubernetesAudit, nil
		},
	}
	return src.open(in, s)
}

// googleKubernetes reads verb and object from how Google Cloud names requests:
// io.k8s.core.v1.pods.exec.create of core/v1/namespaces/default/pods/web/exec.
func googleKubernetes(r *event.Record, f fields) {
	method, ok := bytes.CutPrefix(f.text(r, "protoPayload.methodName"), []byte("io.k8s."))
	if !ok {
		return
	}
	parts := bytes.Split(method, []byte("."))
	f.give(r, "verb", parts[len(parts)-1])
	path := bytes.Split(f.text(r, "protoPayload.resourceName"), []byte("/"))
	if len(path) < 3 {
		return
	}
	if group := path[0]; string(group) != "core" {
		f.give(r, "objectRef.apiGroup", group)
		f.give(r, "apiGroup", group)
	}
	path = path[2:]
	if len(path) >= 2 && string(path[0]) == "namespaces" {
		f.give(r, "objectRef.namespace", path[1])
		if len(path) > 2 {
			path = path[2:]
		}
	}
	f.give(r, "objectRef.resource", path[0])
	if len(path) > 2 {
		f.give(r, "objectRef.subresource", path[2])
	}
}
