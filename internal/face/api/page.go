package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"

	"github.com/rampart-sec/rampart/internal/base/arm"
)

// Items per page of a list.
const (
	defaultPage = 500
	maxPage     = 1000
)

// list is a page on the wire.
type list struct {
	Value    any    `json:"value"`
	NextLink string `json:"nextLink,omitempty"`
}

// limit is the size of the page that was asked for.
func (r *request) limit() (int, error) {
	text := r.option("$top")
	if text == "" {
		return defaultPage, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, &arm.Error{Status: http.StatusBadRequest, Code: "InvalidQueryOption", Target: "$top",
			Message: fmt.Sprintf("$top: %q is not a positive number.", clip(text))}
	}
	return min(n, maxPage), nil
}

// cursor is where the page begins: what the last page's skip token held, "" on
// the first.
func (r *request) cursor() (string, error) {
	token := r.option("$skiptoken")
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return "", invalidToken()
	}
	return string(b), nil
}

// page is the limit and cursor of a request that pages through the index.
func (r *request) page() (limit int, cursor string, err error) {
	if limit, err = r.limit(); err != nil {
		return 0, "", err
	}
	cursor, err = r.cursor()
	return limit, cursor, err
}

func invalidToken() *arm.Error {
	return &arm.Error{Status: http.StatusBadRequest, Code: "InvalidSkipToken", Target: "$skiptoken",
		Message: "The skip token is not one that this server handed out; begin again without it."}
}

// next is the absolute link to the page after this one, "" after the last. It
// repeats the request with another skip token.
func (a *API) next(r *request, cursor string) string {
	if cursor == "" {
		return ""
	}
	query := r.URL.Query()
	for key := range query {
		if arm.Fold(key) == "$skiptoken" {
			query.Del(key)
		}
	}
	query.Set("$skiptoken", base64.RawURLEncoding.EncodeToString([]byte(cursor)))
	return a.base(r.Request) + r.URL.EscapedPath() + "?" + query.Encode()
}

// slice pages over items that are all in memory. The cursor is the offset, so
// it serves lists that are small and change rarely.
func slice[T any](a *API, r *request, items []T) (response, error) {
	size, err := r.limit()
	if err != nil {
		return response{}, err
	}
	cursor, err := r.cursor()
	if err != nil {
		return response{}, err
	}
	from := 0
	if cursor != "" {
		if from, err = strconv.Atoi(cursor); err != nil || from < 0 {
			return response{}, invalidToken()
		}
	}
	from = min(from, len(items))
	to := min(from+size, len(items))
	page := list{Value: append([]T{}, items[from:to]...)}
	if to < len(items) {
		page.NextLink = a.next(r, strconv.Itoa(to))
	}
	return ok(page)
}
