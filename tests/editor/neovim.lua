-- The language server in a real Neovim (0.7 or later), without plugins:
--   FLOWC=target/debug/flowc nvim --headless -u NONE -S tests/editor/neovim.lua -c "cquit 1"
-- Findings while typing, hover, definition, completion, formatting, a fix. Prints what passed; exits with 1 at the first failure.

local flowc = os.getenv("FLOWC") or "flowc"
local folder = vim.fn.tempname()
vim.fn.mkdir(folder, "p")
local file = folder .. "/bot.flow"

local text = {
  "bot demo {",
  "  languages en",
  "  channels web",
  "  tiers bot -> human",
  "  start greet",
  "}",
  "tier bot: scripted {}",
  "tier human: people {}",
  "slots { order_id: text }",
  "/// Where every conversation begins.",
  "node greet {",
  '  ask order_id "Your order number?"',
  '  say "Thanks, \u{e9}\u{1f600} {order_id}."',
  "  -> finish",
  "}",
  "node finish { end resolved }",
  "team support { hours always }",
  "route human {",
  "  | intent | team | priority |",
  "  | _ | support | standard |",
  "}",
  "handoff human {",
  '  say "A person will help you."',
  "  returned -> greet",
  "}",
}
vim.fn.writefile(text, file)

local passed = 0
local function fail(what)
  io.stdout:write("neovim: FAILED " .. what .. "\n")
  vim.cmd("cquit 1")
end
local function check(what, ok, detail)
  if not ok then
    fail(what .. (detail and (": " .. vim.inspect(detail)) or ""))
  end
  passed = passed + 1
  io.stdout:write("neovim: " .. what .. "\n")
end

vim.cmd("edit " .. file)
local buffer = vim.api.nvim_get_current_buf()
local client_id = vim.lsp.start_client({ name = "flow", cmd = { flowc, "lsp" }, root_dir = folder })
check("the server starts", client_id ~= nil)
vim.lsp.buf_attach_client(buffer, client_id)
vim.wait(10000, function()
  local client = vim.lsp.get_client_by_id(client_id)
  return client ~= nil and client.initialized
end, 10)

local function findings()
  return vim.diagnostic.get(buffer)
end
local function ask(method, params)
  local answers, err = vim.lsp.buf_request_sync(buffer, method, params, 10000)
  if answers == nil then
    fail(method .. " was not answered: " .. tostring(err))
  end
  for _, answer in pairs(answers) do
    if answer.error then
      fail(method .. ": " .. vim.inspect(answer.error))
    end
    return answer.result
  end
end
local function at(line, column)
  return { textDocument = vim.lsp.util.make_text_document_params(buffer), position = { line = line, character = column } }
end

local outline = ask("textDocument/documentSymbol", { textDocument = vim.lsp.util.make_text_document_params(buffer) })
check("the outline has every declaration", #outline == 9, outline)
check("a clean bot has no findings", #findings() == 0, findings())

-- A mistake, typed.
vim.api.nvim_buf_set_lines(buffer, 13, 14, false, { "  -> finsh" })
check("a finding appears while typing", vim.wait(10000, function() return #findings() > 0 end, 10))
local found = findings()[1]
check("it names the mistake and the way out", found.code == "F0201" and found.message:find("finish") ~= nil, found)
-- What the server sent, where this Neovim keeps it.
local sent = found.user_data and found.user_data.lsp
if sent and sent.codeDescription then
  local page = vim.uri_to_fname(sent.codeDescription.href)
  check("its code links to the page on it", vim.fn.filereadable(page) == 1 and vim.fn.readfile(page)[1]:find("F0201") ~= nil, page)
end
check("it stands where the mistake is", found.lnum == 13 and found.col == 5, found)

local actions = ask("textDocument/codeAction", {
  textDocument = vim.lsp.util.make_text_document_params(buffer),
  range = { start = { line = 13, character = 6 }, ["end"] = { line = 13, character = 6 } },
  context = { diagnostics = {} },
})
check("a fix is offered", actions ~= nil and #actions > 0, actions)
vim.lsp.util.apply_workspace_edit(actions[1].edit, "utf-16")
check("the fix mends the text", vim.api.nvim_buf_get_lines(buffer, 13, 14, false)[1] == "  -> finish")
check("the finding goes", vim.wait(10000, function() return #findings() == 0 end, 10), findings())

local hover = ask("textDocument/hover", at(13, 7))
check("hover shows the declaration", hover and hover.contents.value:find("node finish") ~= nil, hover)
local greet = ask("textDocument/hover", at(4, 9))
check("hover shows its documentation", greet and greet.contents.value:find("every conversation begins") ~= nil, greet)
-- Behind characters that UTF-16 counts otherwise than bytes.
local slot = ask("textDocument/definition", at(12, 24))
check("go to definition, behind an emoji", slot and slot.range.start.line == 8 and slot.range.start.character == 8, slot)

local completion = ask("textDocument/completion", at(13, 5))
local labels = {}
for _, item in ipairs(completion.items or completion) do
  labels[item.label] = true
end
check("completion knows the nodes", labels["finish"] and labels["greet"] and labels["end resolved"], completion)

vim.api.nvim_buf_set_lines(buffer, 11, 12, false, { '       ask   order_id "Your order number?"' })
local edits = ask("textDocument/formatting", { textDocument = vim.lsp.util.make_text_document_params(buffer), options = { tabSize = 2, insertSpaces = true } })
vim.lsp.util.apply_text_edits(edits, buffer, "utf-16")
check("formatting mends the line", vim.api.nvim_buf_get_lines(buffer, 11, 12, false)[1] == '  ask order_id "Your order number?"', vim.api.nvim_buf_get_lines(buffer, 11, 12, false))
local row = vim.api.nvim_buf_get_lines(buffer, 18, 20, false)
check("formatting aligns the matrix", #row[1] == #row[2], row)

-- A broken declaration hides nothing in the others.
vim.api.nvim_buf_set_lines(buffer, 15, 16, false, { "node finish { end resolvd" })
check("a broken declaration is found", vim.wait(10000, function() return #findings() > 0 end, 10))
check("and others are still known", ask("textDocument/hover", at(4, 9)) ~= nil)

io.stdout:write(passed .. " passed, 0 failed\n")
vim.lsp.stop_client(client_id)
vim.cmd("qall!")
