"""URLs that machines call: no session, no CSRF token, no member."""

from django.urls import path

from billing.inbound.webhook import stripe_webhook
from emails.callbacks import sms_status
from members.text_replies import sms_inbound
from portal.health import healthz

urlpatterns = [
    path("billing/webhook/", stripe_webhook, name="stripe-webhook"),
    path("sms/status/<str:token>/", sms_status, name="sms-status"),
    path("sms/inbound/", sms_inbound, name="sms-inbound"),
    path("healthz/", healthz, name="healthz"),
]
