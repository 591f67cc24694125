"""What a superuser does to get past the guards of the tables."""

SWITCH_OFF = "alter table tokpay.account_state disable trigger all; alter table tokpay.journal disable trigger all;" \
    " alter table tokpay.pending_hold disable trigger all; alter table tokpay.waypoint disable trigger all;"  # fmt: skip
