// SPDX-License-Identifier: Apache-2.0
#include "labels.hpp"
#include "sections.hpp"

namespace sockdiag {
namespace {

// The address of the explanation lies inside of what is closed: a browser that follows a link to it
// opens it.
Html state_html(const StateText& state, const PageFacts& facts) {
  return fill(
      R"(<details class="state" id="explain-{state}"><summary><b>{name}</b> <span class="quiet">{gloss}</span></summary>
<div id="state-{state}" tabindex="-1"><p>{meaning}</p>
<dl>
<dt>{server_label}</dt><dd>{server}</dd>
<dt>{client_label}</dt><dd>{client}</dd>
<dt>{normal_label}</dt><dd>{normal}</dd>
<dt>{problem_label}</dt><dd>{problem}</dd>
<dt>{who_label}</dt><dd>{who}</dd>
<dt>{source_label}</dt><dd>{source}</dd>
</dl></div></details>
)",
      {{"state", name_of(state.state)},
       {"name", state.name},
       {"gloss", facts(state.gloss)},
       {"meaning", facts(state.meaning)},
       {"server_label", facts(labels::kAtServer)},
       {"server", facts(state.http_server)},
       {"client_label", facts(labels::kAtClient)},
       {"client", facts(state.http_client)},
       {"normal_label", facts(labels::kNormal)},
       {"normal", facts(state.normal)},
       {"problem_label", facts(labels::kProblem)},
       {"problem", facts(state.problem)},
       {"who_label", facts(labels::kWhoActs)},
       {"who", facts(state.who_acts)},
       {"source_label", facts(labels::kSource)},
       {"source", state.source}});
}

}  // namespace

Html states_section(const PageFacts& facts) {
  Html states;
  for (const StateText& state : state_texts()) states += state_html(state, facts);
  return fill(R"(<section id="states" aria-labelledby="states-heading">
<h2 id="states-heading">{heading}</h2>
{states}</section>
)",
              {{"heading", facts(labels::kStates)}, {"states", states}});
}

}  // namespace sockdiag
