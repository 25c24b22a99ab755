"""All faults of what a recovery needs in the DR region."""

from __future__ import annotations

from tests.proofs.faults_made_again import MADE_AGAIN
from tests.proofs.faults_of_access import ACCESS, CONDITIONS
from tests.proofs.faults_of_definitions import DEFINITIONS
from tests.proofs.faults_of_edge import EDGE
from tests.proofs.faults_of_estate import ESTATE
from tests.proofs.faults_of_firewalls import FIREWALLS
from tests.proofs.faults_of_keys import KEYS
from tests.proofs.faults_of_network import NETWORK, PORTS
from tests.proofs.faults_of_routes import ROUTES

FAULTS = (*ACCESS, *NETWORK, *ESTATE, *EDGE, *CONDITIONS, *PORTS, *DEFINITIONS, *MADE_AGAIN, *FIREWALLS, *ROUTES, *KEYS)
