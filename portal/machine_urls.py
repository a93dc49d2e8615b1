"""URLs that machines call: no session, no CSRF token, no member.

Browsers and mail programs fetch the brand's pictures, which are the same for everyone.
"""

from django.urls import path

from billing.inbound.webhook import stripe_webhook
from business.uploads import picture
from emails.callbacks import sms_status
from emails.provider_events import events
from portal.health import healthz
from portal.selfservice.texted import sms_inbound

urlpatterns = [
    path("billing/webhook/", stripe_webhook, name="stripe-webhook"),
    path("sms/status/<str:token>/", sms_status, name="sms-status"),
    path("email/events/", events, name="email-events"),
    path("sms/inbound/", sms_inbound, name="sms-inbound"),
    path("brand/<str:name>", picture, name="brand-picture"),
    path("healthz/", healthz, name="healthz"),
]
