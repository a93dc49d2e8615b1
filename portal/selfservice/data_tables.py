"""Everything that someone's data is made of, and what isn't in it, with the reason.

A test walks all models that lead to a member: each is in `TABLES`, or in `LEFT_OUT`.
"""

from __future__ import annotations

from portal.selfservice import data_account, data_money

TABLES = [*data_account.TABLES, *data_money.TABLES]
# By a model's label: why it isn't in someone's data.
LEFT_OUT = {
    "admin.LogEntry": "Our colleagues' work log. What it changed is in the tables.",
    "portal.Download": "The staff's downloads of lists; it says which colleague took which.",
    "auth.User_groups": "What staff may do; the account says whether someone is staff.",
    "auth.User_user_permissions": "What staff may do; the account says whether someone is staff.",
    "account.EmailConfirmation": "One-time keys, which the portal doesn't use.",
    "emails.SentCopy": "The words of `messages` again, as they looked.",
    "emails.Pace": "When the next email may go to a mail domain; it names nobody.",
    "emails.EditedText": "The business's words; it says which colleague wrote them.",
    "socialaccount.SocialToken": "allauth's table, which stays empty.",
    "sessions.Session": "What cookies point to: secrets. `sessions` lists them.",
    "procrastinate.ProcrastinateJob": "Work under way: numbers of rows that are in the tables.",
    "procrastinate.ProcrastinateEvent": "When that work was done.",
    "procrastinate.ProcrastinatePeriodicDefer": "When that work is due.",
    "portal.SavedView": "How staff arranged their own lists of other people and money.",
    "portal.StaffInvitation": "How they joined the team; the account says if someone is staff.",
    "portal.DataExportPart": "Parts of the copies themselves.",
    "billing.Item_members": "In `items-offered`.",
    "billing.RefundPolicy": "The business's rules; it only says which colleague wrote them.",
    "billing.BankTransfer": "The business's bank account; what came is in `zelle-transfers`.",
    "billing.BalanceTransaction": "Fees and net of `payments` and `refunds`.",
    "billing.BookCheck": "Whether the closed months still verify.",
    "billing.BookClosing": "The business's books; it says which colleague closed them.",
    "billing.BankFile": "The business's bank account; it says which colleague imported it.",
    "billing.BankLine": "The business's bank account; what came is in `zelle-transfers`.",
    "billing.BankMail": "The business's bank account; what came is in `zelle-transfers`.",
    "billing.BankUpload": "The business's bank account; it's kept for an hour.",
    "billing.DisputeAnswer": "What we say to the bank; what it says of them is in the tables.",
    "billing.EvidenceFile": "Files of ours for the bank, until the account is closed.",
    "business.AttachmentsVersion": "The business's rules; it only says which colleague saved them.",
    "business.BookAccountsVersion": "Names of the business's accounts; it says who saved them.",
    "business.BrandVersion": "The business's name and look; it says which colleague saved it.",
    "business.LocaleVersion": "The business's rules; it only says which colleague saved them.",
    "business.QuietHoursVersion": "The business's rules; it only says which colleague saved them.",
    "business.RetentionVersion": "The business's rules; it only says which colleague saved them.",
    "business.SuggestionsVersion": "The business's rules; it only says which colleague saved them.",
    "business.Picture": "The business's pictures; it says which colleague uploaded them.",
    "billing.ZelleTerms": "The business's terms; it says which colleague changed them.",
    "billing.LedgerText": "The words of `refunds` again, and names of colleagues.",
    "billing.FraudWarning": "A bank's suspicion, which telling could defeat; the payment is there.",
    "billing.StripeEvent": "Stripe's notices, kept for a while; what they say is in the tables.",
    "billing.EventAttempt": "When Stripe's notices were processed.",
    "billing.RowChange": "Which rows of the tables they changed, kept for a while.",
    "billing.MemberSpan": "Counted from `subscriptions` and `invoices`.",
    "billing.TrialSpan": "Counted from `subscriptions` and `invoices`.",
    "billing.FactDue": "That something is to be counted again; it's kept for a minute.",
    "billing.NumbersMail": "That a colleague gets the business's numbers by email.",
    "billing.FailureMail": "That a colleague hears right away of renewals that failed.",
    "billing.DayMail": "That a colleague hears every morning what happened the day before.",
    "billing.TrialRecord": "A digest, which leads to nobody without the address.",
    "billing.UnassignedCustomer": "Customers at Stripe that aren't anybody's here.",
    "billing.Replay": "Which of Stripe's notices a colleague had processed again.",
    "billing.Reconciliation": "Differences between two copies of what's in the tables.",
}
