"""URLs of the member's billing pages."""

from django.urls import path

from billing.pages import refund_views, statement_views, views

app_name = "billing"
urlpatterns = [
    path("membership/", views.membership, name="membership"),
    path("membership/subscribe/", views.subscribe, name="subscribe"),
    path("membership/welcome/", views.checkout_return, name="checkout-return"),
    path("membership/card/", views.manage_card, name="manage-card"),
    path("membership/card/<int:pk>/", views.use_card, name="use-card"),
    path("membership/cancel/", views.cancel, name="cancel"),
    path("membership/stay/", views.stay, name="stay"),
    path("membership/resume/", views.resume, name="resume"),
    path("membership/switch/<int:pk>/", views.switch, name="switch"),
    path("payments/", views.payments, name="payments"),
    path("payments/payments.csv", statement_views.payments_csv, name="payments-csv"),
    path("payments/statements/<int:year>/", statement_views.statement, name="statement"),
    path(
        "payments/statements/<int:year>/pdf/",
        statement_views.statement_pdf,
        name="statement-pdf",
    ),
    path("payments/new/", views.pay_amount, name="pay-amount"),
    path("payments/result/", views.payment_result, name="payment-result"),
    path("payments/items/<int:pk>/", views.pay_item, name="pay-item"),
    path("payments/<int:pk>/", views.payment, name="payment"),
    path("payments/<int:pk>/refund/", refund_views.request_refund, name="request-refund"),
    path("refunds/<int:pk>/", refund_views.refund, name="refund"),
    path("refunds/<int:pk>/withdraw/", refund_views.withdraw, name="withdraw-refund"),
    path("pay/<str:token>/", views.pay, name="pay"),
    path("payments/invoices/<int:pk>/", views.invoice, name="invoice"),
    path("payments/invoices/<int:pk>/pdf/", views.invoice_pdf, name="invoice-pdf"),
    path("payments/credit-notes/<int:pk>/pdf/", views.credit_note_pdf, name="credit-note-pdf"),
    path("payments/invoices/<int:pk>/stripe/", views.invoice_hosted, name="invoice-hosted"),
]
