package main

import (
	"encoding/json"
	"fmt"
	"strings"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// judge lists what is wrong with the Pod or StatefulSet of a request; other kinds are let through.
func judge(request *admissionv1.AdmissionRequest) ([]string, error) {
	if request.Operation != admissionv1.Create && request.Operation != admissionv1.Update {
		return nil, nil
	}
	switch request.Kind.Kind {
	case "Pod":
		var pod corev1.Pod
		if err := json.Unmarshal(request.Object.Raw, &pod); err != nil {
			return nil, err
		}
		return append(probes(&pod.Spec), claims(&pod.Spec)...), nil
	case "StatefulSet":
		var set appsv1.StatefulSet
		if err := json.Unmarshal(request.Object.Raw, &set); err != nil {
			return nil, err
		}
		spec := &set.Spec.Template.Spec
		return append(probes(spec), claims(spec)...), nil
	}
	return nil, nil
}

func message(violations []string) string {
	return fmt.Sprintf("%d violations\n%s", len(violations), strings.Join(violations, "\n"))
}

// probes: every long-running container, native sidecars included, has a liveness and a readiness
// probe.
func probes(spec *corev1.PodSpec) []string {
	if spec.RestartPolicy != "" && spec.RestartPolicy != corev1.RestartPolicyAlways {
		return nil
	}
	var found []string
	check := func(container *corev1.Container) {
		if !isProbe(container.LivenessProbe) {
			found = append(found, container.Name+": no livenessProbe")
		}
		if !isProbe(container.ReadinessProbe) {
			found = append(found, container.Name+": no readinessProbe")
		}
	}
	for i := range spec.InitContainers {
		policy := spec.InitContainers[i].RestartPolicy
		if policy != nil && *policy == corev1.ContainerRestartPolicyAlways {
			check(&spec.InitContainers[i])
		}
	}
	for i := range spec.Containers {
		check(&spec.Containers[i])
	}
	return found
}

func isProbe(probe *corev1.Probe) bool {
	return probe != nil && probe.ProbeHandler != (corev1.ProbeHandler{})
}

// claims: persistent storage only through a claim.
func claims(spec *corev1.PodSpec) []string {
	var found []string
	for i := range spec.Volumes {
		if volume := &spec.Volumes[i]; !isAllowed(&volume.VolumeSource) {
			found = append(found, volume.Name+": persistent storage without a claim")
		}
	}
	return found
}

func isAllowed(source *corev1.VolumeSource) bool {
	return source.PersistentVolumeClaim != nil ||
		source.Ephemeral != nil ||
		source.EmptyDir != nil ||
		source.ConfigMap != nil ||
		source.Secret != nil ||
		source.DownwardAPI != nil ||
		source.Projected != nil ||
		source.Image != nil ||
		*source == (corev1.VolumeSource{})
}
