"""Stripe's types of tax IDs, with names in words."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from common import countries

# Every type that Stripe takes, in its own spelling: the country, then the kind.
TYPES = tuple(
    """
    ad_nrt ae_trn al_tin am_tin ao_tin ar_cuit au_abn au_acn au_arn au_wpn aw_tin az_tin ba_tin
    bb_tin bd_bin bf_ifu bg_uic bh_vat bj_ifu bo_tin br_cnpj br_cpf bs_tin bw_vat by_tin ca_bn
    ca_gst_hst ca_pst_bc ca_pst_mb ca_pst_sk ca_qst cd_nif ch_uid ch_vat ci_vat cl_tin cm_niu cn_tin
    co_nit cr_tin cv_nif cz_dic de_stn do_rcn ec_ruc eg_tin es_cif et_tin eu_oss_vat eu_vat fo_vat
    fr_siren fr_siret fr_spi gb_vat ge_vat gh_tin gi_tin gn_nif hk_br hr_oib hu_tin ic_nif id_npwp
    il_vat in_gst is_kt is_vat it_cf jp_cn jp_rn jp_trn ke_pin kg_tin kh_tin kr_brn kz_bin la_tin
    li_uid li_vat lk_vat ma_vat md_cf md_vat me_pib mk_vat mr_nif mu_vat mx_rfc my_frp my_itn my_sst
    mz_nuit ng_tin no_vat no_voec np_pan nz_bn nz_gst om_vat pe_ruc ph_tin pl_nip pt_nif py_ruc
    ro_tin rs_pib ru_inn ru_kpp sa_vat sg_gst sg_uen si_tin sm_coe sn_ninea sr_fin sv_nit th_vat
    tj_tin tr_tin tt_bir tt_vat tw_vat tz_vat ua_vat ug_tin us_ein uy_ruc uz_tin uz_vat ve_rif
    vn_tin za_vat zm_tin zw_tin
    """.split()
)
# What isn't a country's code, or isn't known by its country's name alone.
PLACES: dict[str, str | Promise] = {
    "EU": _("European Union"),
    "IC": _("Canary Islands"),
}
# Kinds that have a name in English; the others are known by their letters: CUIT, NIP.
KINDS: dict[str, str | Promise] = {
    "abn": _("business number (ABN)"),
    "acn": _("company number (ACN)"),
    "bn": _("business number (BN)"),
    "brn": _("business registration number (BRN)"),
    "cn": _("corporate number"),
    "ein": _("employer ID (EIN)"),
    "gst": _("GST number"),
    "gst_hst": _("GST/HST number"),
    "oss_vat": _("VAT number (One Stop Shop)"),
    "pst_bc": _("PST number (British Columbia)"),
    "pst_mb": _("PST number (Manitoba)"),
    "pst_sk": _("PST number (Saskatchewan)"),
    "qst": _("QST number (Quebec)"),
    "rn": _("registered foreign business number"),
    "siren": _("company number (SIREN)"),
    "siret": _("establishment number (SIRET)"),
    "stn": _("tax number (Steuernummer)"),
    "tin": _("taxpayer ID (TIN)"),
    "trn": _("tax registration number (TRN)"),
    "uid": _("company number (UID)"),
    "vat": _("VAT number"),
}


def name(kind: str) -> str:
    """Return a type in words: "European Union: VAT number"."""
    place, _rest, what = kind.partition("_")
    code = place.upper()
    return gettext("%(country)s: %(kind)s") % {
        "country": PLACES.get(code) or countries.name(code),
        "kind": KINDS.get(what) or what.replace("_", " ").upper(),
    }


def choices(first: str = "") -> list[tuple[str, str]]:
    """Return all types by name; those of one country (or the business's own) come first."""
    near = {first.upper() or countries.own()}
    named = sorted(((kind, name(kind)) for kind in TYPES), key=lambda pair: pair[1])
    mine = [pair for pair in named if pair[0][:2].upper() in near]
    return [*mine, *(pair for pair in named if pair not in mine)]
