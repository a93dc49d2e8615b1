"""URLs of the member's billing pages."""

from django.urls import path

from billing.pages import (
    card_views,
    details_views,
    invoice_views,
    join_views,
    membership_views,
    pay_link_views,
    payment_views,
    refund_views,
    statement_views,
    zelle_views,
)

app_name = "billing"
urlpatterns = [
    path("join/", join_views.join, name="join"),
    path("join/choose/", join_views.choose, name="join-choose"),
    path("membership/", membership_views.membership, name="membership"),
    path("membership/subscribe/", membership_views.subscribe, name="subscribe"),
    path("membership/welcome/", membership_views.checkout_return, name="checkout-return"),
    path("membership/card/", membership_views.manage_card, name="manage-card"),
    path("membership/card/<int:pk>/", membership_views.use_card, name="use-card"),
    path("membership/cancel/", membership_views.cancel, name="cancel"),
    path("membership/stay/", membership_views.stay, name="stay"),
    path("membership/resume/", membership_views.resume, name="resume"),
    path("membership/way/", membership_views.change_way, name="change-way"),
    path("membership/keep-price/", membership_views.keep_price, name="keep-price"),
    path("membership/switch/<int:pk>/", membership_views.switch, name="switch"),
    path("account/cards/", card_views.cards, name="cards"),
    path("account/cards/add/", card_views.add_card, name="add-card"),
    path("account/cards/added/", card_views.card_added, name="card-added"),
    path("account/cards/<int:pk>/default/", card_views.make_default, name="default-card"),
    path("account/cards/<int:pk>/remove/", card_views.remove_card, name="remove-card"),
    path("payments/invoices/<int:pk>/again/", card_views.pay_again, name="pay-again"),
    path(
        "payments/invoices/<int:pk>/another/", card_views.pay_with_another, name="pay-with-another"
    ),
    path("account/billing/", details_views.details, name="details"),
    path("account/billing/tax-ids/", details_views.add_tax_id, name="add-tax-id"),
    path("account/billing/tax-ids/remove/", details_views.remove_tax_id, name="remove-tax-id"),
    path("payments/", payment_views.payments, name="payments"),
    path("payments/payments.csv", statement_views.payments_csv, name="payments-csv"),
    path("payments/statements/<int:year>/", statement_views.statement, name="statement"),
    path(
        "payments/statements/<int:year>/pdf/",
        statement_views.statement_pdf,
        name="statement-pdf",
    ),
    path(
        "payments/statements/<int:year>/zip/",
        statement_views.statement_zip,
        name="statement-zip",
    ),
    path("payments/<int:pk>/receipt/", statement_views.receipt, name="receipt"),
    path(
        "payments/<int:pk>/receipt/email/",
        statement_views.email_receipt,
        name="email-receipt",
    ),
    path("payments/new/", payment_views.pay_amount, name="pay-amount"),
    path("payments/result/", payment_views.payment_result, name="payment-result"),
    path("payments/items/<int:pk>/", payment_views.pay_item, name="pay-item"),
    path("payments/<int:pk>/", payment_views.payment, name="payment"),
    path("payments/<int:pk>/refund/", refund_views.request_refund, name="request-refund"),
    path("refunds/<int:pk>/", refund_views.refund, name="refund"),
    path("refunds/<int:pk>/withdraw/", refund_views.withdraw, name="withdraw-refund"),
    path("pay/<str:token>/", pay_link_views.pay, name="pay"),
    path("pay/<str:token>/result/", pay_link_views.pay_result, name="pay-result"),
    path("payments/invoices/<int:pk>/", invoice_views.invoice, name="invoice"),
    path("payments/invoices/<int:pk>/pdf/", invoice_views.invoice_pdf, name="invoice-pdf"),
    path(
        "payments/credit-notes/<int:pk>/pdf/", invoice_views.credit_note_pdf, name="credit-note-pdf"
    ),
    path("payments/invoices/<int:pk>/stripe/", invoice_views.invoice_hosted, name="invoice-hosted"),
    path("payments/invoices/<int:pk>/zelle/", zelle_views.pay_invoice, name="pay-invoice-by-zelle"),
    path("membership/zelle/", zelle_views.pay_membership, name="pay-membership-by-zelle"),
    path("zelle/code/", zelle_views.code, name="zelle-code"),
    path("zelle/<int:pk>/", zelle_views.payment, name="zelle"),
    path("zelle/<int:pk>/receipt/", zelle_views.receipt, name="zelle-receipt"),
    path("zelle/<int:pk>/sent/", zelle_views.sent, name="zelle-sent"),
    path("zelle/<int:pk>/cancel/", zelle_views.cancel, name="zelle-cancel"),
]
