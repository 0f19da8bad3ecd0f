package host

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
)

// kernelFilter reads the rules in force from the kernel, iptables-nft's
// included. The error says that netlink is refused or absent.
func kernelFilter() (packetFilter, error) {
	conn, err := nftables.New()
	if err != nil {
		return nil, fmt.Errorf("asking the kernel for its packet filter: %w", err)
	}
	chains, err := conn.ListChains()
	if err != nil {
		return nil, fmt.Errorf("asking the kernel for its packet filter: %w", err)
	}
	f := packetFilter{}
	for _, chain := range chains {
		family := map[nftables.TableFamily]string{nftables.TableFamilyIPv4: "ip", nftables.TableFamilyIPv6: "ip6", nftables.TableFamilyINet: "inet"}[chain.Table.Family]
		if family == "" {
			continue
		}
		c := &filterChain{family: family, policy: "accept"}
		c.input = chain.Type == nftables.ChainTypeFilter && chain.Hooknum != nil && *chain.Hooknum == *nftables.ChainHookInput
		if chain.Policy != nil && *chain.Policy == nftables.ChainPolicyDrop {
			c.policy = "drop"
		}
		rules, err := conn.GetRules(chain.Table, chain)
		if err != nil {
			return nil, fmt.Errorf("asking the kernel for the rules of chain %s: %w", chain.Name, err)
		}
		for _, r := range rules {
			c.rules = append(c.rules, kernelRule(r.Exprs))
		}
		f[family+" "+chain.Table.Name+" "+chain.Name] = c
	}
	return f, nil
}

// kernelRule finds out whether a rule has a condition, and its verdict.
func kernelRule(expressions []expr.Any) filterRule {
	for _, e := range expressions {
		switch e := e.(type) {
		case *expr.Counter, *expr.Log:
		case *expr.Reject:
			return filterRule{verdict: "drop"}
		case *expr.Match:
			if e.Name != "comment" {
				return filterRule{conditional: true}
			}
		case *expr.Target:
			switch e.Name {
			case "REJECT", "DROP":
				return filterRule{verdict: "drop"}
			case "LOG", "NFLOG":
			default:
				return filterRule{conditional: true}
			}
		case *expr.Verdict:
			return kernelVerdict(e)
		default:
			return filterRule{conditional: true}
		}
	}
	return filterRule{}
}

func kernelVerdict(v *expr.Verdict) filterRule {
	switch v.Kind {
	case expr.VerdictAccept:
		return filterRule{verdict: "accept"}
	case expr.VerdictDrop:
		return filterRule{verdict: "drop"}
	case expr.VerdictReturn:
		return filterRule{verdict: "return"}
	case expr.VerdictJump:
		return filterRule{verdict: "jump", target: v.Chain}
	case expr.VerdictGoto:
		return filterRule{verdict: "goto", target: v.Chain}
	}
	return filterRule{conditional: true}
}
