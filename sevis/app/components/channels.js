// One block's channels under the pointer: all of them are on the page, so that moving over them asks nobody.
//
// Mounted twice. With bytes: draw a block. With {depth, channel}: that is the choice now. What is chosen here goes to the server as
// the trigger "chosen": [depth, channel], or [depth, null] for another block.

const TALLEST = 288, LARGEST = 72, SMALLEST = 8  // px of the grid, and of a cell in it
const TILE = 260  // px, the highest a large map gets
const OPACITY = 0.65

const views = new Map()  // by section
let chosen = { depth: -1, channel: null }

export default function ({ data, parentElement, setTriggerValue }) {
  if (data instanceof Uint8Array) {
    show(data, parentElement.querySelector("section"), (value) => setTriggerValue("chosen", value))
  } else if (data) {
    chosen = data
    for (const [section, view] of views) section.isConnected ? mark(view) : views.delete(section)
  }
}

async function show(bytes, section, choose) {
  const view = views.get(section) ?? open(section)
  view.choose = choose
  const asked = (view.asked += 1)
  const block = await decoded(bytes)
  if (asked !== view.asked) return  // a later block overtook this one
  const same = view.block && view.block.depth === block.depth && view.block.name === block.name
  view.block = block
  section.hidden = false
  label(view)
  arrange(view)
  same ? point(view, view.channel) : mark(view)
}

// ---- what comes: see payload() in channels.py

async function decoded(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))
  const buffer = await new Response(stream).arrayBuffer()
  const length = new DataView(buffer).getUint32(0, true)
  const block = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)))
  const [branches, count, height, width] = block.shape
  let at = 4 + length
  const take = (kind, size) => {
    const part = new kind(buffer, at, size)
    at += part.byteLength
    return part
  }
  block.low = take(Float32Array, count)
  block.high = take(Float32Array, count)
  block.weights = take(Float32Array, branches * count)
  block.influence = take(Float32Array, count)
  block.colours = take(Uint8Array, 3 * 256)
  block.cells = take(Uint8Array, branches * count * height * width)
  block.image = new Image()
  block.image.src = block.picture
  await block.image.decode()
  return block
}

// The maps of a channel before the gate, one a branch, and last the map after it.
function maps(block, channel) {
  const [branches, count, height, width] = block.shape, size = height * width
  const after = new Float32Array(size), all = []
  const step = (block.high[channel] - block.low[channel]) / 255
  for (let branch = 0; branch < branches; branch += 1) {
    const start = (branch * count + channel) * size, weight = block.weights[branch * count + channel]
    const before = new Float32Array(size)
    for (let place = 0; place < size; place += 1) {
      before[place] = block.low[channel] + step * block.cells[start + place]
      after[place] += weight * before[place]
    }
    all.push(before)
  }
  return [...all, after]
}

// From the lowest to the highest value of the maps, and over 0, as in the figures.
function extent(all) {
  let low = 0, high = 1e-6
  for (const map of all) for (const value of map) { low = Math.min(low, value); high = Math.max(high, value) }
  return [low, high]
}

// Write a map as colours into an image, its upper left corner at (left, top).
function tint(image, map, [low, high], colours, width, left = 0, top = 0) {
  for (let place = 0; place < map.length; place += 1) {
    const shade = 3 * Math.round((255 * (map[place] - low)) / (high - low))
    const at = 4 * ((top + Math.floor(place / width)) * image.width + left + (place % width))
    for (let part = 0; part < 3; part += 1) image.data[at + part] = colours[shade + part]
    image.data[at + 3] = 255
  }
}

// ---- the grid of all channels

const ORDERS = {
  place: () => () => 0,
  weight: ({ weights, shape: [branches, count] }) => (a, b) => weights[(branches - 1) * count + b] - weights[(branches - 1) * count + a],
  influence: ({ influence }) => (a, b) => Math.abs(influence[b]) - Math.abs(influence[a]),
}

// Put the channels in order into cells as large as fit, and draw them.
function arrange(view) {
  const { block, grid, canvas } = view, [, count, height, width] = block.shape
  const room = grid.clientWidth, aspect = Math.min(3, Math.max(1 / 3, width / height))
  const fitting = (side) => Math.max(1, Math.floor(room / Math.max(2, Math.round(side * aspect))))
  let side = LARGEST
  while (side > SMALLEST && Math.ceil(count / fitting(side)) * side > TALLEST) side -= 1
  view.columns = Math.min(count, fitting(side))
  const wide = Math.max(2, Math.min(Math.floor(room / view.columns), Math.round(LARGEST * aspect)))  // no strip is left at the right
  view.cell = [wide, Math.max(2, Math.round(wide / aspect))]
  view.order = Array.from({ length: count }, (_, channel) => channel).sort(ORDERS[view.select.value](block))
  view.placed = new Map(view.order.map((channel, place) => [channel, place]))
  const rows = Math.ceil(count / view.columns)
  const pen = sharp(canvas, view.columns * view.cell[0], rows * view.cell[1])
  const sheet = small(view.columns * width, rows * height, (image) => view.order.forEach((channel, place) => {
    const all = maps(block, channel), [column, row] = [place % view.columns, Math.floor(place / view.columns)]
    tint(image, all[all.length - 1], extent(all), block.colours, width, column * width, row * height)
  }))
  const [across, down] = view.cell, gap = across > 16 ? 2 : 1
  view.order.forEach((_, place) => {
    const [column, row] = [place % view.columns, Math.floor(place / view.columns)]
    pen.drawImage(sheet, column * width, row * height, width, height, column * across, row * down, across - gap, down - gap)
  })
}

function small(width, height, paint) {
  const canvas = new OffscreenCanvas(width, height), pen = canvas.getContext("2d"), image = pen.createImageData(width, height)
  paint(image)
  pen.putImageData(image, 0, 0)
  return canvas
}

// Size a canvas in the page's pixels and give a pen that draws in them, as fine as the screen is.
function sharp(canvas, width, height) {
  const fine = window.devicePixelRatio || 1
  canvas.width = Math.round(width * fine)
  canvas.height = Math.round(height * fine)
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  const pen = canvas.getContext("2d")
  pen.scale(fine, fine)
  pen.imageSmoothingQuality = "high"
  return pen
}

function encircle(view, ring, channel) {
  const place = view.placed.get(channel), [wide, high] = view.cell
  ring.hidden = place === undefined
  if (ring.hidden) return
  const [left, top] = [(place % view.columns) * wide, Math.floor(place / view.columns) * high]
  ring.style.transform = `translate(${left - 2}px, ${top - 2}px)`
  ring.style.width = `${wide + 3}px`
  ring.style.height = `${high + 3}px`
}

// ---- one channel, large

// Show a channel's maps and sentence.
function point(view, channel) {
  const { block, section, grid } = view, all = maps(block, channel), span = extent(all)
  view.channel = channel
  section.dataset.channel = channel
  view.tiles.forEach((tile, place) => over(tile.querySelector("canvas"), block, all[place], span))
  view.said.textContent = block.sentences[channel]
  grid.setAttribute("aria-valuenow", view.placed.get(channel) + 1)
  grid.setAttribute("aria-valuetext", block.sentences[channel])
  encircle(view, view.current, channel)
}

function over(canvas, block, map, span) {
  const [, , height, width] = block.shape, { naturalWidth, naturalHeight } = block.image
  const scale = Math.min(canvas.parentElement.clientWidth / naturalWidth, TILE / naturalHeight)
  const [wide, high] = [Math.max(1, naturalWidth * scale), Math.max(1, naturalHeight * scale)]
  const pen = sharp(canvas, wide, high)
  pen.drawImage(block.image, 0, 0, wide, high)
  pen.globalAlpha = OPACITY
  pen.drawImage(small(width, height, (image) => tint(image, map, span, block.colours, width)), 0, 0, wide, high)
}

// Ring the chosen channel and show it; where none is chosen, show the one with the largest influence.
function mark(view) {
  if (!view.block) return
  const here = chosen.depth === view.block.depth ? chosen.channel : null
  encircle(view, view.chosen, here)
  point(view, here ?? view.block.influence.reduce((best, value, channel, all) => (Math.abs(value) > Math.abs(all[best]) ? channel : best), 0))
}

// Names and tiles of a block; every text goes in as text.
function label(view) {
  const { block, grid } = view, count = block.shape[1]
  view.section.querySelector("strong").textContent = `${block.name}: ${count} channel${count === 1 ? "" : "s"}`
  grid.setAttribute("aria-label", `Channels of ${block.name}`)
  grid.setAttribute("aria-valuemin", 1)
  grid.setAttribute("aria-valuemax", count)
  const names = block.branches.length ? [...block.branches.map((name) => `${name} branch`), "mixed"] : ["before the gate", "after it"]
  view.tiles = names.map((name) => {
    const tile = document.createElement("figure"), caption = document.createElement("figcaption"), canvas = document.createElement("canvas")
    caption.textContent = name
    canvas.setAttribute("aria-hidden", "true")
    tile.append(caption, canvas)
    return tile
  })
  view.section.querySelector(".tiles").replaceChildren(...view.tiles)
}

// ---- pointer and keys

function open(section) {
  const find = (query) => section.querySelector(query)
  const view = {
    section, asked: 0, block: null, tiles: [], grid: find(".grid"), canvas: find(".grid canvas"), select: find("select"),
    said: find(".said"), current: find(".ring.current"), chosen: find(".ring.chosen"),
  }
  views.set(section, view)
  const under = ({ clientX, clientY }) => {
    const box = view.canvas.getBoundingClientRect(), column = Math.floor((clientX - box.left) / view.cell[0])
    return column < view.columns ? view.order[Math.floor((clientY - box.top) / view.cell[1]) * view.columns + column] : undefined
  }
  view.grid.onpointermove = (event) => {
    const channel = view.block ? under(event) : undefined
    if (channel !== undefined && channel !== view.channel) point(view, channel)
  }
  view.grid.onpointerleave = () => mark(view)
  view.grid.onclick = (event) => {
    const channel = view.block ? under(event) : undefined
    if (channel !== undefined) select(view, channel)
  }
  view.grid.onkeydown = (event) => {
    if (view.block && press(view, event)) event.preventDefault()
  }
  view.select.onchange = () => redraw(view)
  new ResizeObserver(() => redraw(view)).observe(section)
  return view
}

function redraw(view) {
  if (!view.block) return
  arrange(view)
  encircle(view, view.chosen, chosen.depth === view.block.depth ? chosen.channel : null)
  point(view, view.channel)
}

function select(view, channel) {
  point(view, channel)
  view.choose([view.block.depth, channel])
}

const STEPS = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }
const FLOORS = { ArrowUp: -1, ArrowDown: 1 }

// Do what a key asks; says whether it asked anything.
function press(view, { key, repeat, altKey, ctrlKey, metaKey }) {
  if (altKey || ctrlKey || metaKey) return false
  const { block, order } = view
  if (key in STEPS) point(view, order[Math.min(order.length - 1, Math.max(0, view.placed.get(view.channel) + STEPS[key]))])
  else if (key in FLOORS) {
    const depth = block.depth + FLOORS[key]
    if (!repeat && depth >= 0 && depth < block.blocks) view.choose([depth, null])
  } else if (key === "Enter" || key === " ") select(view, view.channel)
  else if (key === "Escape") mark(view)
  else return false
  return true
}
