package store

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// session is one connection with its prepared statements. Statements are kept
// per connection, not by database/sql's pool, because a pool of one writer
// could not prepare while its only connection is inside the transaction.
type session struct {
	conn   *sql.Conn
	stmts  map[string]*sql.Stmt // nil: the driver keeps its own
	broken bool
}

func (s *session) exec(ctx context.Context, q string, args []any) (sql.Result, error) {
	if s.stmts == nil {
		return s.conn.ExecContext(ctx, q, args...)
	}
	stmt, err := s.stmt(ctx, q)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(ctx, args...)
}

func (s *session) query(ctx context.Context, q string, args []any) (*sql.Rows, error) {
	if s.stmts == nil {
		return s.conn.QueryContext(ctx, q, args...)
	}
	stmt, err := s.stmt(ctx, q)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// stmt prepares q once. The texts are constants of this package, a few with a
// list length, so the map stays small.
func (s *session) stmt(ctx context.Context, q string) (*sql.Stmt, error) {
	if stmt, ok := s.stmts[q]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, q)
	if err == nil {
		s.stmts[q] = stmt
	}
	return stmt, err
}

// rollback must work when ctx is why the transaction ends. A session that
// cannot roll back is not used again.
func (s *session) rollback(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := s.conn.ExecContext(ctx, "ROLLBACK"); err != nil && !alreadyRolledBack(err) {
		s.broken = true
	}
}

func (s *session) close() error {
	for _, stmt := range s.stmts {
		_ = stmt.Close() // closing the connection reports what matters
	}
	return s.conn.Close()
}

// sessions is a bounded pool; sessions are opened when first needed.
type sessions struct {
	free chan *session
	open func(context.Context) (*session, error)
}

func newSessions(n int, open func(context.Context) (*session, error)) *sessions {
	p := &sessions{free: make(chan *session, n), open: open}
	for range n {
		p.free <- nil
	}
	return p
}

func (p *sessions) get(ctx context.Context) (*session, error) {
	select {
	case s := <-p.free:
		if s != nil {
			return s, nil
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s, err := p.open(ctx)
	if err != nil {
		p.free <- nil
	}
	return s, err
}

func (p *sessions) put(s *session) {
	if s.broken {
		_ = s.close() // it already failed; the next user opens another
		s = nil
	}
	p.free <- s
}

// close waits for every session to come back and closes it. The pool stays
// empty: a later get waits for its context.
func (p *sessions) close() error {
	var errs []error
	for range cap(p.free) {
		if s := <-p.free; s != nil {
			errs = append(errs, s.close())
		}
	}
	return errors.Join(errs...)
}
