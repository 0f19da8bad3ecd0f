package registry

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
)

// Auth says who we are. Its zero value is nobody. It never shows its secrets when
// it is printed.
type Auth struct {
	Kind     string // "", basic, token, acr, ecr or gcr
	Username string // basic; acr: the application's id; ecr: the access key's id
	Password string // basic; token: the token; acr: the application's secret; ecr: the secret access key; gcr: the service account's key file
	Tenant   string // acr: the directory
	Region   string // ecr
	// Endpoint replaces where tokens of acr and ecr come from, for sovereign
	// clouds and tests.
	Endpoint string
}

// String tells the kind and the user.
func (a Auth) String() string { return strings.TrimSpace(a.Kind + " " + a.Username) }

// GoString is what %#v prints.
func (a Auth) GoString() string { return a.String() }

// authenticator gives the credentials as the library wants them, nil for nobody.
// Exchanges go the registry's guarded way.
func (a Auth) authenticator(reg name.Registry, g *guard) (authn.Authenticator, error) {
	switch a.Kind {
	case "":
		return nil, nil
	case "basic":
		return &authn.Basic{Username: a.Username, Password: a.Password}, nil
	case "token":
		return &authn.Bearer{Token: a.Password}, nil
	case "gcr": // the key file is the password of a user of that name, also in Artifact Registry
		return &authn.Basic{Username: "_json_key", Password: a.Password}, nil
	case "acr", "ecr":
		exchange := a.azure
		if a.Kind == "ecr" {
			exchange = a.amazon
		}
		return &exchanged{client: &http.Client{Transport: g, Timeout: time.Minute}, registry: reg, exchange: exchange, now: time.Now}, nil
	}
	return nil, fmt.Errorf("auth kind %.40q: want basic, token, acr, ecr or gcr", a.Kind)
}

// exchanged gives credentials that another service gives for ours, until they
// run out.
type exchanged struct {
	client   *http.Client
	registry name.Registry
	exchange func(ctx context.Context, c *http.Client, reg name.Registry, now time.Time) (authn.AuthConfig, time.Time, error)
	now      func() time.Time

	mu      sync.Mutex
	config  authn.AuthConfig
	expires time.Time
}

// Authorization implements authn.Authenticator.
func (e *exchanged) Authorization() (*authn.AuthConfig, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.now().Add(time.Minute).After(e.expires) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // the interface has none
		defer cancel()
		config, expires, err := e.exchange(ctx, e.client, e.registry, e.now())
		if err != nil {
			return nil, fmt.Errorf("exchange credentials: %w", err)
		}
		e.config, e.expires = config, expires
	}
	c := e.config
	return &c, nil
}

// azure gets an access token of the directory for an application and exchanges it
// at the registry for a refresh token
// (learn.microsoft.com, "Azure Container Registry, authentication with OAuth").
func (a Auth) azure(ctx context.Context, c *http.Client, reg name.Registry, now time.Time) (authn.AuthConfig, time.Time, error) {
	endpoint := a.Endpoint
	if endpoint == "" {
		endpoint = "https://login.microsoftonline.com"
	}
	var access struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	err := form(ctx, c, endpoint+"/"+url.PathEscape(a.Tenant)+"/oauth2/v2.0/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {a.Username},
		"client_secret": {a.Password}, "scope": {"https://containerregistry.azure.net/.default"}}, &access)
	if err != nil {
		return authn.AuthConfig{}, now, err
	}
	var refresh struct {
		Token string `json:"refresh_token"`
	}
	err = form(ctx, c, reg.Scheme()+"://"+reg.RegistryStr()+"/oauth2/exchange", url.Values{"grant_type": {"access_token"}, "service": {reg.RegistryStr()},
		"tenant": {a.Tenant}, "access_token": {access.Token}}, &refresh)
	if err == nil && refresh.Token == "" {
		err = errors.New("the registry gave no token")
	}
	return authn.AuthConfig{IdentityToken: refresh.Token}, now.Add(time.Duration(access.Expires) * time.Second), err
}

func form(ctx context.Context, c *http.Client, to string, values url.Values, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, strings.NewReader(values.Encode()))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return answerTo(c, r, into)
}

// answerTo decodes a small JSON answer. What a failed one says is not repeated:
// it may repeat what was sent.
func answerTo(c *http.Client, r *http.Request, into any) error {
	resp, err := c.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	data, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", r.URL.Host, resp.Status)
	}
	return json.Unmarshal(data, into)
}

// amazon asks ECR for a password (docs.aws.amazon.com, "GetAuthorizationToken").
func (a Auth) amazon(ctx context.Context, c *http.Client, _ name.Registry, now time.Time) (authn.AuthConfig, time.Time, error) {
	endpoint := a.Endpoint
	if endpoint == "" {
		endpoint = "https://api.ecr." + a.Region + ".amazonaws.com"
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/", bytes.NewReader([]byte("{}")))
	if err != nil {
		return authn.AuthConfig{}, now, err
	}
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
	a.sign(r, []byte("{}"), "ecr", now)
	var out struct {
		Data []struct {
			Token   string  `json:"authorizationToken"`
			Expires float64 `json:"expiresAt"`
		} `json:"authorizationData"`
	}
	if err := answerTo(c, r, &out); err != nil {
		return authn.AuthConfig{}, now, err
	}
	if len(out.Data) == 0 {
		return authn.AuthConfig{}, now, errors.New("ECR gave no token")
	}
	text, err := base64.StdEncoding.DecodeString(out.Data[0].Token)
	user, password, ok := strings.Cut(string(text), ":")
	if err != nil || !ok {
		return authn.AuthConfig{}, now, errors.New("ECR's token is not of the known form")
	}
	return authn.AuthConfig{Username: user, Password: password}, time.Unix(int64(out.Data[0].Expires), 0), nil
}

// sign signs a request with AWS Signature Version 4 ("Create a signed AWS API
// request"). All headers that are set so far are signed, in order.
func (a Auth) sign(r *http.Request, body []byte, service string, now time.Time) {
	stamp := now.UTC().Format("20060102T150405Z")
	r.Header.Set("X-Amz-Date", stamp)
	names := []string{"content-type", "host", "x-amz-date", "x-amz-target"}
	var headers strings.Builder
	for _, n := range names {
		value := r.Header.Get(n)
		if n == "host" {
			value = r.URL.Host
		}
		headers.WriteString(n + ":" + strings.TrimSpace(value) + "\n")
	}
	signed := strings.Join(names, ";")
	request := strings.Join([]string{r.Method, "/", "", headers.String(), signed, hexSum(body)}, "\n")
	scope := strings.Join([]string{stamp[:8], a.Region, service, "aws4_request"}, "/")
	key := []byte("AWS4" + a.Password)
	for part := range strings.SplitSeq(scope, "/") {
		key = mac(key, part)
	}
	signature := hex.EncodeToString(mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hexSum([]byte(request))))
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential="+a.Username+"/"+scope+", SignedHeaders="+signed+", Signature="+signature)
}

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
