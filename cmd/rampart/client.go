package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/rampart-sec/rampart/internal/app"
	"github.com/rampart-sec/rampart/internal/face/client"
)

// maxListed is how many rejected lines are printed; all are counted.
const maxListed = 20

func runImport(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("import", std)
	data := fs.String("data", app.DefaultData(), "data folder of the server (its bootstrap.json)")
	server := fs.String("server", "", "another address of the server")
	subscription, group := placeFlags(fs)
	if err := parse(fs, std, args, 1, 1); err != nil {
		return err
	}
	in, closeIn, err := openInput(std, fs.Arg(0))
	if err != nil {
		return err
	}
	defer closeIn()
	c, err := dial(ctx, *data, *server)
	if err != nil {
		return err
	}
	res, err := c.Import(ctx, in, client.Place{Subscription: *subscription, ResourceGroup: *group})
	if err != nil {
		return err
	}
	if t := res.Template; t != nil && t.Assumed {
		fmt.Fprintf(std.err, assumedPlace, clean(t.ResourceGroup))
	}
	for i, r := range res.Rejected {
		if i == maxListed {
			fmt.Fprintf(std.err, "... and %d more\n", res.RejectedTotal-maxListed)
			break
		}
		fmt.Fprintf(std.err, "line %d: %s\n", r.Line, clean(r.Reason))
	}
	if err := json.NewEncoder(std.out).Encode(res); err != nil {
		return err
	}
	if len(res.Rejected) > 0 && res.Created+res.Updated+res.Unchanged+res.Stale == 0 {
		return errors.New("nothing was imported: no line could be used")
	}
	return nil
}

// assumedPlace is told where nobody said to where a template is deployed.
const assumedPlace = "an ARM template does not say where it is deployed to; its resources were put in %s (--subscription and --group name another)\n"

// placeFlags name where an ARM template is deployed to.
func placeFlags(fs *flag.FlagSet) (subscription, group *string) {
	return fs.String("subscription", "", "id of the subscription that an ARM template is deployed to"),
		fs.String("group", "", "name of the resource group that an ARM template is deployed to")
}

func runAdminLink(ctx context.Context, std stdio, args []string) error {
	fs := flagSet("admin link", std)
	data := fs.String("data", app.DefaultData(), "data folder of the server (its bootstrap.json)")
	if err := parse(fs, std, args, 0, 0); err != nil {
		return err
	}
	c, err := dial(ctx, *data, "")
	if err != nil {
		return err
	}
	link, err := c.Link(ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(std.out, link)
	return err
}

func runAzEnv(_ context.Context, std stdio, args []string) error {
	fs := flagSet("az-env", std)
	data := fs.String("data", app.DefaultData(), "data folder of the server (its bootstrap.json)")
	if err := parse(fs, std, args, 0, 0); err != nil {
		return err
	}
	b, err := client.ReadBootstrap(*data)
	if err != nil {
		return err
	}
	return b.AzEnv(std.out, *data)
}

func dial(ctx context.Context, data, server string) (*client.Client, error) {
	b, err := client.ReadBootstrap(data)
	if err != nil {
		return nil, err
	}
	return client.Dial(ctx, b, server)
}

// openInput opens a file, or standard input for "-".
func openInput(std stdio, name string) (io.Reader, func(), error) {
	if name == "-" {
		return std.in, func() {}, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	return f, func() { f.Close() }, nil
}
