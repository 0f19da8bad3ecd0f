package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
	"github.com/rampart-sec/rampart/internal/posture/policy"
)

// definitionUsed refuses to delete a definition that an assignment or an
// initiative needs.
func definitionUsed(ctx context.Context, c *change) error {
	sets, err := c.tx.Objects(ctx, objectQuery(c.req, kindSet, ""))
	if err != nil {
		return err
	}
	for _, s := range sets {
		initiative, err := policy.ParseInitiative(s.Body)
		if err != nil {
			return err
		}
		for _, member := range initiative.Members {
			if strings.EqualFold(member.DefinitionID, c.before.ID) {
				return inUse(c.before.ID, s.ID)
			}
		}
	}
	return assigned(ctx, c)
}

// assigned refuses to delete what an assignment needs.
func assigned(ctx context.Context, c *change) error {
	all, err := readObjects(ctx, c, kindAssignment, "")
	if err != nil {
		return err
	}
	for _, o := range all {
		if id, _ := o.Properties["policyDefinitionId"].(string); strings.EqualFold(id, c.before.ID) {
			return inUse(c.before.ID, o.ID)
		}
	}
	return nil
}

func inUse(id, by string) error {
	return &arm.Error{Status: http.StatusConflict, Code: "PolicyInUse", Target: id, Message: fmt.Sprintf("%s needs it; delete that first.", by)}
}
