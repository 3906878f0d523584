"""The names that people read for the slugs that content carries. One thing, one word: docs/glossary.md."""

from __future__ import annotations

WORKLOAD_NAMES: dict[str, str] = {
    "pretraining": "Pre-training",
    "continued_pretraining": "Continued pre-training",
    "fine_tuning": "Fine-tuning",
    "rl_synthetic": "Reinforcement learning or synthetic data",
    "distillation": "Distillation",
    "evaluation": "Evaluation",
    "inference_online": "Serving (online inference)",
    "inference_batch": "Batch inference",
    "embedding": "Embedding",
    "agentic": "Agents",
    "interactive": "Interactive work and notebooks",
    "hosted_api": "Hosted API",
    "lease": "Lease of accelerators",
    "purchase": "Purchase of accelerators",
}

KIND_NAMES: dict[str, str] = {
    "new": "Something new",
    "change": "A change to a grant",
    "renewal": "A renewal of a grant",
    "top_up": "More hours or money on a grant",
    "transfer": "A transfer of a grant to another project",
    "ratification": "A ratification of what has run already",
    "emergency": "An emergency",
}

TERM_NAMES: dict[str, str] = {
    "owned_pool": "owned pool",
    "committed_pool": "committed pool",
    "on_demand": "on demand",
    "reserved_1y": "reserved, 1 year",
    "reserved_3y": "reserved, 3 years",
    "capacity_block": "capacity block",
    "spot": "spot",
    "per_token": "per token",
    "purchase": "purchase",
}

DATA_CLASS_NAMES: dict[str, str] = {
    "public": "Public",
    "internal": "Internal",
    "confidential": "Confidential",
    "personal": "Personal",
    "special_category": "Special category",
    "export_controlled": "Export-controlled",
}

DATA_CLASS_HINTS: dict[str, str] = {
    "public": "Anyone may read it.",
    "internal": "Ours, and harmless if it leaks.",
    "confidential": "Contracts, code, plans; nothing about a living person.",
    "personal": "Says something about a living person.",
    "special_category": "Health, biometrics, beliefs, origin.",
    "export_controlled": "Technology that may only leave under licence.",
}

EXPOSURE_NAMES: dict[str, str] = {
    "none": "Nobody outside the project",
    "internal": "Colleagues",
    "pilot": "A pilot with people outside",
    "public": "The public",
}

USE_TAG_NAMES: dict[str, str] = {
    "biometrics": "Biometrics",
    "employment": "Employment",
    "credit": "Credit",
    "education": "Education",
    "law_enforcement": "Law enforcement",
    "medical": "Medicine",
    "bio_sequence": "Biological sequences",
    "cyber_offence": "Offensive cyber work",
    "critical_infrastructure": "Critical infrastructure",
    "migration": "Migration",
    "justice": "Justice",
    "children": "Children",
}

MODALITY_NAMES: dict[str, str] = {
    "text": "Text",
    "audio": "Audio",
    "image_gen": "Image generation",
    "video_gen": "Video generation",
    "vision": "Vision",
    "tabular": "Tables",
    "bio": "Biology",
}

EVIDENCE_NAMES: dict[str, str] = {
    "dpia": "Data-protection assessment (DPIA)",
    "fria": "Fundamental-rights assessment (FRIA)",
    "pilot_run": "Pilot run",
    "exit_plan": "Exit plan",
    "board_resolution": "Board resolution",
    "licence": "Licence",
    "cost_comparison": "Cost comparison",
    "notification_owner": "Who notifies the authority",
    "incident_ref": "Incident",
}

QUANTITY_NAMES: dict[str, str] = {
    "gpu_hours": "GPU-hours",
    "cost_usd": "Cost",
    "carbon_kg": "Carbon",
    "run_rate_usd_month": "Cost a month",
}

_ALL: dict[str, str] = (
    QUANTITY_NAMES
    | TERM_NAMES
    | MODALITY_NAMES
    | USE_TAG_NAMES
    | EVIDENCE_NAMES
    | DATA_CLASS_NAMES
    | KIND_NAMES
    | WORKLOAD_NAMES
)


def words(slug: object) -> str:
    """The name of a slug where people have one for it, else the slug with spaces and a capital."""
    text = str(slug or "")
    if text in _ALL:
        return _ALL[text]
    plain = text.replace("_", " ").replace("-", " ")
    return plain[:1].upper() + plain[1:]
