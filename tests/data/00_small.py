# %% [markdown]
# # A small notebook
#
# **About 1 minute.** It proves that notebooks are made, compared and shown in a browser as they should.

# %%
import asyncio
import base64
import io

import ipywidgets as W
import matplotlib.pyplot as plt
from IPython.display import HTML

print("ready")

# %% jupyter={"source_hidden": true}
# Three widgets: folded away, as machinery is.
button = W.Button(description="Press me")
toggle = W.ToggleButton(description="Ignore")
slider = W.IntSlider(description="Seconds", value=1, max=9)
text = W.HTML("pressed 0 times")
count = 0


def pressed(_):
    global count
    count += 1
    text.value = f"pressed {count} times"


button.on_click(pressed)
toggle.observe(lambda c: setattr(text, "value", f"ignore {c.new}"), "value")
slider.observe(lambda c: setattr(text, "value", f"seconds {c.new}"), "value")
W.VBox([button, toggle, slider, text])

# %%
await asyncio.sleep(0.01)
button.click()
text.value

# %%
figure, axes = plt.subplots()
_ = axes.plot([1, 4, 9])
buffer = io.BytesIO()
figure.savefig(buffer, format="png")
plt.close(figure)
picture = base64.b64encode(buffer.getvalue()).decode()
HTML(f'<figure><img alt="three points" src="data:image/png;base64,{picture}"></figure>')

# %% tags=["raises-exception"]
asyncio.Runner().run("no coroutine")

# %%
print(f"took {12.5} ms", text)
