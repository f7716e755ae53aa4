"""Small reference data in this project's own CSV formats, for rule cases."""

from __future__ import annotations

from tests.support.story import Story

HEADERS = {
    "site_statuses": "site,status,inspected_on,agency,start,end,act,published",
    "icglr_sites": (
        "site,national_id,name,country,subdivision,territory,longitude,latitude,minerals,activity,operator,licence,"
        "act,published"
    ),
    "orders": "kind,country,subdivision,territory,sites,minerals,methods,start,end,act,published",
    "quotas": "authority,country,actor,analyte,mass,start,end,act,published",
    "royalties": "country,analyte,rate,start,end,act,published",
    "prices": "analyte,month,price,act,published",
    "national_flows": "country,analyte,flow,period,mass,basis,act,published",
    "mirror_imports": "origin,reporter,hs,analyte,period,mass,basis,act,published",
    "transit_countries": "country,minerals,start,end,act,published",
    "minamata": "country,status,start,end,act,published",
}


def load(story: Story, dataset: str, *rows: str, published: str = "2026-05-19") -> Story:
    """Load rows of a data set, each a line of CSV in the order of its header."""
    text = "\n".join((HEADERS[dataset], *rows, ""))
    return story.load(dataset, text.encode(), published)
