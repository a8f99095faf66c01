"""What should a human know about the account?"""

from operators.client_ids import detail_hash
from schemas.account import Alert, Severity


def account_alert(account: str, severity: Severity, code: str, message: str, ts_ns: int) -> Alert:
    """Alert with a deterministic id; the same message at the same event time is the same alert."""
    source = f"account:{account}"
    return Alert(f"{source}:{code}:{ts_ns}:{detail_hash(message)}", source, severity, code, message, ts_ns)
