package judge

import "github.com/prometheus/client_golang/prometheus"

// metrics are what the judge tells Prometheus, by tenant.
type metrics struct {
	resources *prometheus.GaugeVec
	stale     *prometheus.GaugeVec
	flips     *prometheus.CounterVec
	problems  *prometheus.GaugeVec
	refused   *prometheus.CounterVec
	seconds   prometheus.Histogram
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		resources: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "rampart_posture_resources", Help: "Resources judged."}, []string{"tenant"}),
		stale:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "rampart_posture_stale_resources", Help: "Resources whose data is older than its freshness."}, []string{"tenant"}),
		flips:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rampart_posture_changes_total", Help: "Assessments that changed their state."}, []string{"tenant"}),
		problems:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "rampart_posture_policy_problems", Help: "Policy objects that cannot be used."}, []string{"tenant"}),
		refused:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "rampart_posture_refused_total", Help: "Documents that could not be judged."}, []string{"tenant"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "rampart_posture_apply_seconds", Help: "Time to judge and publish one batch of changes.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15),
		}),
	}
	if r != nil {
		r.MustRegister(m.resources, m.stale, m.flips, m.problems, m.refused, m.seconds)
	}
	return m
}
