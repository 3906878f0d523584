"""What an officer calls the limits and lists of the shipped policies: `Automatic approval limit (USD)`.

One row for each parameter that ships; a test compares the two. An organisation's own parameter is called by its name
with spaces.
"""

from __future__ import annotations

PARAM_LABELS: dict[str, str] = {
    # approval-limits
    "auto_allow_max_usd": "Automatic approval limit (USD)",
    "auto_allow_max_accelerators": "Automatic approval limit (accelerators)",
    "auto_allow_max_gpu_hours": "Automatic approval limit (GPU-hours)",
    "auto_allow_max_days": "Automatic approval limit (days)",
    "auto_allow_data_classes": "Data classes that can be approved automatically",
    "auto_allow_sample_ratio": "Share of automatic approvals selected for a spot check",
    "team_lead_max_usd": "Team lead approval limit (USD)",
    "budget_owner_max_usd": "Budget owner approval limit (USD)",
    "finance_max_usd": "Finance approval limit (USD)",
    "board_paper_above_usd": "Board paper required above (USD)",
    "large_accelerator_count": "Large request (accelerators)",
    "commitment_tail_max_usd": "Maximum amount payable after the work ends (USD)",
    "service_workloads": "Workloads without a natural end",
    "service_max_days": "Maximum duration of a service (days)",
    "service_run_rate_max_usd_month": "Maximum monthly cost of a service (USD)",
    "recertify_after_days": "Recertification interval (days)",
    "forecast_max_ratio": "Maximum forecast (% of budget)",
    "renewal_utilisation_min": "Minimum utilisation for a renewal",
    "renewal_used_min": "Minimum used share of the grant for a renewal",
    "renewal_rise_max": "Maximum increase in a renewal",
    # acceptable-use
    "named_uses": "Purposes with a rule of their own",
    "high_risk_tags": "High-risk areas of use",
    "personal_data_classes": "Data classes that count as personal data",
    "outside_requester_types": "External requester types",
    "outside_max_usd": "Limit for external requesters (USD)",
    "outside_max_days": "Limit for external requesters (days)",
    # compute-thresholds
    "generative_modalities": "Generative modalities",
    "early_cumulative_flop": "Early notice of lineage compute (FLOP)",
    "bio_run_flop": "Compute limit for biological models (FLOP)",
    "notification_clock_days": "Notification deadline (days)",
    # evidence-and-splitting
    "band_limits_usd": "Limits between approval bands (USD)",
    "split_count": "Number of related requests that suggests splitting",
    "renewal_max_usd": "Renewal limit (USD)",
    "idle_utilisation": "Utilisation that counts as idle",
    "change_rise_max": "Maximum increase in a change",
    "change_count": "Maximum number of changes",
    "closeout_above_usd": "Close-out report required above (USD)",
    "bias_max_ratio": "Maximum actual usage relative to estimates",
    "bias_min_closed": "Closed requests needed to compare with estimates",
    "band_1_usd": "First evidence band from (USD)",
    "band_2_usd": "Second evidence band from (USD)",
    "band_3_usd": "Third evidence band from (USD)",
    "pilot_accelerators": "Pilot run required from (accelerators)",
    "pilot_training_usd": "Pilot run required for training from (USD)",
    "training_workloads": "Training workloads",
    "first_tranche_ratio": "First tranche (share of the grant)",
    # export-control
    "restricted_countries": "Countries that need a licence",
    "allowed_destinations": "Allowed countries of destination",
    "embargoed_vendor_countries": "Embargoed countries of chip vendors",
    "chip_tpp_line": "Controlled chip performance (TPP)",
    "dense_chip_tpp_line": "Controlled performance of dense chips (TPP)",
    "dense_chip_density_line": "Controlled performance density (TPP/mm²)",
    # jurisdictions
    "eu_clock_days": "EU notification deadline (days)",
    "ca_incident_days": "California incident report deadline (days)",
    "ny_incident_hours": "New York incident report deadline (hours)",
    # sustainability
    "energy_max_kwh": "Energy that needs review (kWh)",
    "carbon_max_kg": "Carbon that needs review (kg CO2e)",
    "dirty_grid_g_kwh": "High-carbon grid from (g CO2e/kWh)",
    "clean_grid_g_kwh": "Low-carbon grid up to (g CO2e/kWh)",
    "clean_cost_ratio_max": "Maximum relative cost of a cleaner option",
    # vendor-and-residency
    "interruptible_terms": "Interruptible price terms",
    "marketplace_max_usd": "Marketplace limit (USD)",
    "terms_max_age_days": "Maximum age of a terms review (days)",
    "terms_above_usd": "Terms review required above (USD)",
    "provider_share_max": "Maximum share of one provider",
    "concentration_max": "Maximum concentration of providers (index)",
    "concentration_above_usd": "Concentration checked above (USD)",
    "resident_countries": "Countries in which personal data may be processed",
}
