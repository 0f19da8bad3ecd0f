package arm

import "testing"

func TestErrorBody(t *testing.T) {
	got := string(NotFound("/subscriptions/s").MarshalBody())
	want := `{"error":{"code":"ResourceNotFound","message":"Nothing is stored under \"/subscriptions/s\".","target":"/subscriptions/s"}}`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
