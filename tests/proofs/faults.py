"""All faults of what a recovery needs in the DR region."""

from __future__ import annotations

from tests.proofs.faults_of_access import ACCESS
from tests.proofs.faults_of_estate import ESTATE
from tests.proofs.faults_of_network import NETWORK

FAULTS = (*ACCESS, *NETWORK, *ESTATE)
