"""The kinds of resource that make up a path, in the order of their dependencies."""

from __future__ import annotations

from clickstream.provisioning.alarms import Alarms
from clickstream.provisioning.bronze_table import BronzeErrorsTable, BronzeRowsTable, BronzeTable
from clickstream.provisioning.delivery import Delivery
from clickstream.provisioning.delivery_log import DeliveryLog
from clickstream.provisioning.glue_job import GoldJob, MaintenanceJob, SilverJob
from clickstream.provisioning.iceberg_tables import GoldTable, RejectsTable, SilverTable
from clickstream.provisioning.job_code import JobCode
from clickstream.provisioning.ledger_table import LedgerTable
from clickstream.provisioning.receipts_table import ReceiptsTable
from clickstream.provisioning.resource import Cloud, Resource
from clickstream.provisioning.stream import Stream
from clickstream.provisioning.view import View
from clickstream.sources.model import Source

KINDS: tuple[type[Resource], ...] = (
    Stream,
    DeliveryLog,
    BronzeTable,
    BronzeErrorsTable,
    BronzeRowsTable,
    Delivery,
    Alarms,
    ReceiptsTable,
    LedgerTable,
    SilverTable,
    RejectsTable,
    GoldTable,
    View,
    JobCode,
    SilverJob,
    GoldJob,
    MaintenanceJob,
)
"""A new kind is a module of this package and a line here. Each needs only those before it."""


def path_of(source: Source, cloud: Cloud) -> list[Resource]:
    """The resources of a source's path, in the order in which they are made."""
    return [resource for kind in KINDS for resource in kind.all_of(source, cloud)]
