"""MX (RFC 5321, RFC 7505) and the CNAME of a tracking domain."""

from campaigns.rules.findings import FAIL, OK, WARN, Finding, Lookup, no_answer, record


def check_mx(domain: str, lookup: Lookup) -> Finding:
    """Whether answers to `domain` can arrive."""
    answer = lookup(domain, "MX")
    if answer.status == "error":
        return no_answer("mx", domain, answer)
    raw = "\n".join(answer.records)
    hosts = [text.partition(" ")[2] for text in answer.records]
    if answer.found and any(host in {"", "."} for host in hosts):
        return Finding(
            "mx", domain, FAIL, "A null MX (RFC 7505): the domain says that it takes no mail. Every reply bounces.",
            "Replace it by the mail servers of your provider; a domain that sends must be able to receive.", raw,
        )  # fmt: skip
    if not answer.found:
        if lookup(domain, "A").found or lookup(domain, "AAAA").found:
            return Finding(
                "mx", domain, WARN, "No MX record: mail goes to the web server's address, which rarely takes it.",
                "Publish the MX records of your provider.", raw,
            )  # fmt: skip
        return Finding(
            "mx", domain, FAIL, "No MX record and no address: replies cannot arrive, and receivers refuse such senders.",
            "Publish the MX records of your provider.", raw,
        )  # fmt: skip
    dead = [host for host in hosts if not (lookup(host, "A").found or lookup(host, "AAAA").found)]
    if len(dead) == len(hosts):
        words = f"None of its mail servers has an address: {', '.join(dead)}."
        return Finding("mx", domain, FAIL, words[:500], "Correct the names of the mail servers.", raw)
    if dead:
        words = f"{', '.join(dead)} has no address; the others work."
        return Finding("mx", domain, WARN, words[:500], "Remove or correct that mail server.", raw)
    return Finding("mx", domain, OK, f"{len(hosts)} mail server{'s' if len(hosts) != 1 else ''}.", "", raw)


def check_tracking(domain: str, target: str, lookup: Lookup) -> Finding:
    """Whether a tracking domain leads here: a CNAME to `target`, or (at a zone's top) the same addresses."""
    wanted = {"record": record("CNAME", domain, target), "verified": False}
    fix = f"Publish a CNAME at {domain} that points to {target}. Until then links use {target} itself."
    answer = lookup(domain, "CNAME")
    if answer.status == "error":
        return no_answer("tracking", domain, answer)
    chain = [domain]
    while answer.found and len(chain) < 9:
        chain.append(answer.records[0].lower().rstrip("."))
        if chain[-1] == target.lower():
            raw = " → ".join(chain)
            words = "It points here; links of new mails use it."
            return Finding("tracking", domain, OK, words, "", raw, {"verified": True})
        answer = lookup(chain[-1], "CNAME")
    raw = " → ".join(chain) if len(chain) > 1 else ""
    if len(chain) > 1:
        return Finding("tracking", domain, FAIL, f"Its CNAME points to {chain[-1]}, not to {target}.", fix, raw, wanted)
    here = {text for kind in ("A", "AAAA") for text in lookup(target, kind).records}
    there = {text for kind in ("A", "AAAA") for text in lookup(domain, kind).records}
    if there and there <= here:
        words = "No CNAME, but the same addresses as this server; links of new mails use it."
        return Finding("tracking", domain, OK, words, "", "\n".join(sorted(there)), {"verified": True})
    what = "It has an address of another server and no CNAME." if there else "It has no CNAME."
    return Finding("tracking", domain, FAIL, what, fix, "\n".join(sorted(there)), wanted)
