package api_test

import (
	"testing"

	"github.com/rampart-sec/rampart/internal/face/api/apitest"
)

// BenchmarkSecureScores is one authenticated request over a warm TLS
// connection, client and server in one process.
func BenchmarkSecureScores(b *testing.B) {
	s := apitest.New(b)
	s.Estate()
	path := s.Sub() + security + "secureScores"
	for b.Loop() {
		s.Get(path)
	}
}

// BenchmarkPolicyDefinitions is the longest list that is built in memory.
func BenchmarkPolicyDefinitions(b *testing.B) {
	s := apitest.New(b)
	path := s.Sub() + authorization + "policyDefinitions"
	for b.Loop() {
		s.Get(path)
	}
}
