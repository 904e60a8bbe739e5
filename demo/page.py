"""The page: title, the current model, and the tabs."""

import gradio as gr

from demo.sessions import is_token, new_token
from demo.tabs import train
from demo.workbench import EXAMPLES, Workbench

TITLE = """<h1>ABP Studio</h1>
<p>Watch a generator network learn by alternating back-propagation
(<a href="https://arxiv.org/abs/1606.08571" target="_blank" rel="noopener">Han, Lu, Zhu, Wu</a>),
then take it home.</p>"""
NO_MODEL = '<div class="bar"><span>Current model: none yet</span></div>'


def build(workbench: Workbench) -> gr.Blocks:
    """The studio's page, ready to be launched."""
    gr.set_static_paths([EXAMPLES, train.ASSETS])
    with gr.Blocks(title="ABP Studio", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.HTML(TITLE, elem_id="abp-title")
        token = gr.BrowserState("", storage_key="abp-studio-visitor", secret="abp-studio")
        greeted = page.load(_greet, token, token, show_progress="hidden", queue=False)
        model_bar = gr.HTML(NO_MODEL, elem_id="abp-model")
        with gr.Tabs(), gr.Tab("Train"):
            train.build(workbench, token, greeted, model_bar)
    return page


def _greet(token: object) -> str:
    """A visitor keeps the token that the browser remembers; a new one gets a new token."""
    return str(token) if is_token(token) else new_token()
