"""Pieces of PromQL that many panels share."""

IN_NAMESPACE = 'namespace=~"$namespace"'
OF_ROLLOUT = f'{IN_NAMESPACE}, rollout=~"$rollout"'


def rate(metric: str, by: str = "", matching: str = "") -> str:
    """A counter's growth per second, summed by these labels."""
    return f"{_sum(by)} (rate({selected(metric, matching)}[$__rate_interval]))"


def mean(metric: str, by: str) -> str:
    """The mean of what a histogram or a summary counted, by these labels."""
    return f"{rate(f'{metric}_sum', by)} / {rate(f'{metric}_count', by)}"


def quantile(share: float, metric: str, by: str = "", matching: str = "") -> str:
    """A quantile of a histogram, by these labels."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {rate(f'{metric}_bucket', labels, matching)})"


def total(metric: str, by: str = "", matching: str = "") -> str:
    """A gauge, summed by these labels."""
    return f"{_sum(by)} ({selected(metric, matching)})"


def most(metric: str, by: str, matching: str = "") -> str:
    """A gauge that several pods may export: the highest, by these labels."""
    return f"max by ({by}) ({selected(metric, matching)})"


def selected(metric: str, matching: str = "") -> str:
    """The metric's series in the namespaces that were chosen."""
    return f"{metric}{{{', '.join(filter(None, (IN_NAMESPACE, matching)))}}}"


def _sum(by: str) -> str:
    return f"sum by ({by})" if by else "sum"
