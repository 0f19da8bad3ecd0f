package api

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// checkWritten answers 404, as ARM does, to a write at a scope that nobody knows:
// what lies there would reach nothing.
func (a *API) checkWritten(req *request) error {
	if req.Method != http.MethodPut && req.Method != http.MethodPatch || !strings.HasPrefix(req.route.pattern, "{scope}") {
		return nil
	}
	id := req.scope.String()
	switch req.scope.Type() {
	case arm.TypeTenant, arm.TypeSubscription:
		return nil // whose subscription it is was asked before
	case arm.TypeManagementGroup:
		if estate := a.Judge.Estate(req.tenant()); estate == nil || estate.View() == nil || estate.HasGroup(req.scope) {
			return nil
		}
	}
	known, err := a.known(req.Context(), req.tenant(), id)
	if err != nil || known {
		return err
	}
	e := &arm.Error{Status: http.StatusNotFound, Target: id}
	switch req.scope.Type() {
	case arm.TypeManagementGroup:
		e.Code, e.Message = "ManagementGroupNotFound", fmt.Sprintf("The management group '%s' cannot be found.", req.scope.Name())
	case arm.TypeResourceGroup:
		e.Code, e.Message = "ResourceGroupNotFound", fmt.Sprintf("Resource group '%s' could not be found.", req.scope.Name())
	default:
		e.Code, e.Message = "ResourceNotFound", fmt.Sprintf("The Resource '%s/%s' under resource group '%s' was not found.", req.scope.Type(), req.scope.FullName(), req.scope.ResourceGroup())
	}
	return e
}
