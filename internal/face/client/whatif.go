package client

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Question asks what would be.
type Question struct {
	Scope         string   // of the answer; "" is the estate
	ResourceGroup string   // where an ARM template is deployed
	Subscription  string   // likewise; "" is that of the scope
	Fixed, Exempt []string // recommendations: ids, names, or "all"
	Resources     io.Reader
}

// WhatIf is what would be. Raw is the whole answer.
type WhatIf struct {
	Raw             json.RawMessage `json:"-"`
	Before, After   Standing
	Controls        []ControlIf
	Recommendations []RecommendationIf
	Compliance      []StandardIf
	Unhealthy       []UnhealthyIf
	UnhealthyTotal  int
	Tried           int
	Rejected        []Rejection
	RejectedTotal   int
	FlipsTotal      int
}

// Standing is a score: a share of its points, from 0 to 1.
type Standing struct{ Score Points }

// Points are some of a maximum.
type Points struct {
	Max        int
	Current    float64
	Percentage float64
}

// ControlIf is a control of the score before and after.
type ControlIf struct {
	DisplayName   string
	Before, After ControlStanding
}

// ControlStanding is a control's points and its resources.
type ControlStanding struct {
	Score                       Points
	Healthy, Unhealthy, Unknown int
}

// RecommendationIf is a recommendation that changes.
type RecommendationIf struct {
	DisplayName, Severity string
	Before, After         struct{ Healthy, Unhealthy, Unknown, Exempt int }
}

// StandardIf is a standard before and after; Controls are those that change.
type StandardIf struct {
	Standard, DisplayName, Version string
	Before, After                  struct{ Passed, Failed, Skipped, Unsupported int }
	Controls                       []struct{ Control, From, To string }
}

// UnhealthyIf is a resource that would be unhealthy.
type UnhealthyIf struct {
	ResourceID      string
	New             bool
	Recommendations []struct{ DisplayName, Severity string }
}

// WhatIf asks what would be. Nothing is stored.
func (c *Client) WhatIf(ctx context.Context, q Question) (*WhatIf, error) {
	values := url.Values{"fix": q.Fixed, "exempt": q.Exempt}
	for name, value := range map[string]string{"scope": q.Scope, "resourceGroup": q.ResourceGroup, "subscription": q.Subscription} {
		if value != "" {
			values.Set(name, value)
		}
	}
	resources := q.Resources
	if resources == nil {
		resources = strings.NewReader("")
	}
	out := &WhatIf{}
	err := c.do(ctx, call{http.MethodPost, "/rampart/v1/what-if?" + values.Encode(), "application/x-ndjson", resources}, &out.Raw)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(out.Raw, out); err != nil {
		return nil, fmt.Errorf("read the server's answer: %w", err)
	}
	return out, nil
}

// Step is one step of a plan; Gain is a share of the whole score.
type Step struct {
	Recommendation, DisplayName, Severity, Effort string
	Unhealthy                                     int
	Gain                                          float64
	QuickFix                                      bool
	Resources                                     []string
}

// Plan asks which fixes in a scope bring the most points for the effort. Raw is
// the whole answer.
func (c *Client) Plan(ctx context.Context, scope string, steps int) (raw json.RawMessage, plan []Step, err error) {
	values := url.Values{"scope": {scope}, "steps": {strconv.Itoa(steps)}}
	if err := c.do(ctx, call{http.MethodGet, "/rampart/v1/plan?" + values.Encode(), "application/json", nil}, &raw); err != nil {
		return nil, nil, err
	}
	var list struct{ Value []Step }
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, nil, fmt.Errorf("read the server's answer: %w", err)
	}
	return raw, list.Value, nil
}
